"""The detector's share of the processor: threads of its libraries, CPUs of its process."""

import os
import threading

import cv2
import pytest
import torch

from grasp_core.errors import ConfigError
from grasp_detection.config import DetectorConfig
from grasp_detection.learned.openvino_runtime import OpenVinoRuntime
from grasp_detection.processor import limit_processor

CPUS = sorted(os.sched_getaffinity(0))


@pytest.fixture(autouse=True)
def unlimited():
    before = torch.get_num_threads()
    yield
    limit_processor(0, (), with_torch=False)
    torch.set_num_threads(before)


def affinity_in_a_thread_that_runs_already():
    """Asks a thread that was started before the limit, and one that is started after."""
    go, found = threading.Event(), []

    def ask():
        go.wait()
        found.append(os.sched_getaffinity(0))

    earlier = threading.Thread(target=ask)
    earlier.start()

    def answer():
        later = threading.Thread(target=ask)
        later.start()
        go.set()
        earlier.join()
        later.join()
        return found

    return answer


def test_every_thread_of_the_process_is_bound():
    answer = affinity_in_a_thread_that_runs_already()
    limit_processor(0, CPUS[-1:], with_torch=True)
    assert answer() == [set(CPUS[-1:])] * 2
    assert cv2.getNumThreads() == torch.get_num_threads() == 1
    limit_processor(0, (), with_torch=False)
    assert os.sched_getaffinity(0) == set(CPUS)


@pytest.mark.parametrize("threads", [1, 2])
def test_runtimes_take_the_threads_that_were_given(threads):
    limit_processor(threads, (), with_torch=True)
    assert cv2.getNumThreads() == torch.get_num_threads() == threads
    runtime = OpenVinoRuntime(torch.nn.Conv2d(1, 1, 1), 1, ("quality",))
    assert runtime._any_size.get_property("INFERENCE_NUM_THREADS") == threads


def test_a_cpu_that_the_process_may_not_use_is_refused_by_name():
    with pytest.raises(ConfigError, match=r"cpu_affinity names CPU 4095, this process may use"):
        limit_processor(0, (CPUS[0], 4095), with_torch=False)
    assert os.sched_getaffinity(0) == set(CPUS)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"threads": -1}, "threads is -1, must lie in"),
        ({"cpu_affinity": (-2,)}, r"cpu_affinity\[0\] is -2, must lie in"),
        ({"cpu_affinity": 1}, "cpu_affinity needs a list, got 1"),
    ],
)
def test_impossible_shares_are_refused(settings, told):
    with pytest.raises(ConfigError, match=told):
        DetectorConfig(**settings)
