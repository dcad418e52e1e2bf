"""Where a worker process begins: silent before the first import that loads a graphics driver."""

from __future__ import annotations

import os
import pickle
import signal
from multiprocessing.connection import Connection


def start(connection: Connection, arguments: bytes) -> None:
    """Silence the process's streams, which PyBullet and the driver write into, and go to work.

    Args:
        connection: To the command.
        arguments: Further arguments of :func:`grasp_bringup.benchmark.worker.work`, pickled:
            unpickling them is what imports everything.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the command: it ends its workers
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)
    from grasp_bringup.benchmark.worker import work

    work(connection, *pickle.loads(arguments))
