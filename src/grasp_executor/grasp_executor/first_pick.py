"""Whether a robot has ever picked for real from this computer: until then, dry runs come first."""

from __future__ import annotations

from pathlib import Path

from grasp_core.errors import ConfigError
from grasp_core.json_file import write_json
from grasp_executor.hand_memory import state_file


class FirstPick:
    """A file beside the hand's memory, written once, when the first pick has ended well."""

    def __init__(self, state_dir: str, robot: str, hand: str) -> None:
        """See :func:`~grasp_executor.hand_memory.state_file`."""
        path = state_file(state_dir, robot, hand)
        self.path: Path = path.with_name(f"{path.stem}-first-pick.json")
        self._noted = False

    @property
    def was_done(self) -> bool:
        """Whether this robot has picked with this hand."""
        return self.path.is_file()

    def note(self) -> None:
        """A pick has ended well.

        Raises:
            ConfigError: It cannot be remembered.
        """
        if self._noted or self.was_done:
            return
        self._noted = True  # a folder that cannot be written is told once
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_json(self.path, {"picked": True})
        except OSError as error:
            raise ConfigError(
                f"cannot remember the first pick in {self.path}: {error.strerror}; name a folder "
                "that can be written as state_dir, or dry runs stay the default"
            ) from error
