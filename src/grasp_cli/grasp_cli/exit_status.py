"""From whatever ends a verb to one sentence on standard error and an exit status.

0: done. 1: the stack failed, or what was looked at is not all right. 2: wrong input, as with a
wrong argument: a value, a file, a library that is missing. 130: interrupted.
"""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Callable

from grasp_core.errors import GraspStackError

FAILED, WRONG_INPUT, INTERRUPTED = 1, 2, 130
_STDOUT = 1


def exit_status(work: Callable[[], int]) -> int:
    """Do a verb's work, and tell what went wrong.

    Args:
        work: Returns an exit status of its own, or raises. What a KeyboardInterrupt says is what
            the interruption leaves behind.
    """
    try:
        try:
            return work()
        finally:
            sys.stdout.flush()  # a reader that is gone is noticed here, not when all is over
    except KeyboardInterrupt as error:
        _tell(str(error) or "interrupted")
        return INTERRUPTED
    except GraspStackError as error:
        _tell(f"error: {error}")
        # What is wrong with a value or a file derives from ValueError, too, a missing library
        # from ImportError; nothing else does.
        return WRONG_INPUT if isinstance(error, ValueError | ImportError) else FAILED
    except OSError as error:
        if isinstance(error, BrokenPipeError) and _reader_is_gone():
            return FAILED
        where = f": {error.filename}" if error.filename else ""
        _tell(f"error: {error.strerror or error}{where}")
        return WRONG_INPUT


def _tell(sentence: str) -> None:
    """Of several processes that do the same, as torchrun starts them, the first one speaks."""
    if os.environ.get("RANK", "0") == "0":
        print(sentence, file=sys.stderr)


def _reader_is_gone() -> bool:
    """Whether nobody reads standard output any more, as after `| head`; then nobody is told."""
    watch = select.poll()
    watch.register(_STDOUT, 0)
    gone = any(event & select.POLLERR for _, event in watch.poll(0))
    if gone:  # the interpreter flushes once more when it ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), _STDOUT)
    return gone
