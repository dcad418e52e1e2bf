"""Which pictures a command line means: files, recorded frames, or folders of either."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from grasp_core.errors import ConfigError
from grasp_detection.frames import PictureFrame, is_recorded, read_picture, read_recorded

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")


@dataclass(frozen=True)
class PictureSource:
    """A picture before it is read.

    Attributes:
        name: What it is called.
        path: A colour picture, or the folder of a recorded frame.
        depth: Depth picture that belongs to the colour picture; None for none.
        intrinsics: Of the colour picture; see :func:`grasp_detection.frames.read_intrinsics`.
        depth_unit: Of the depth picture; see :data:`grasp_detection.frames.DEPTH_UNITS_M`.
    """

    name: str
    path: Path
    depth: Path | None = None
    intrinsics: str = ""
    depth_unit: str = "auto"

    @property
    def is_recorded(self) -> bool:
        """Whether it is a recorded frame."""
        return self.path.is_dir()

    @property
    def has_depth(self) -> bool:
        """Whether it comes with depth."""
        return self.is_recorded or self.depth is not None

    def read(self) -> PictureFrame:
        """Read it; see :func:`grasp_detection.frames.read_picture` for what can be wrong."""
        if self.is_recorded:
            return read_recorded(self.path)
        return read_picture(self.path, self.depth, self.intrinsics, self.depth_unit, self.name)


def find_pictures(
    paths: Sequence[Path],
    depth: Path | None = None,
    intrinsics: str = "",
    depth_unit: str = "auto",
) -> list[PictureSource]:
    """All pictures that are meant, in order.

    Args:
        paths: Colour pictures, recorded frames, or folders of either.
        depth: Depth picture of the one colour picture, or a folder with one of the same name for
            each; recorded frames bring their own.
        intrinsics: Of the colour pictures with depth.
        depth_unit: Of the depth pictures.

    Raises:
        ConfigError: A folder holds none, two have the same name, or depth does not belong to them.
    """
    found = [
        PictureSource(one.stem if one.is_file() else one.resolve().name, one)
        for path in paths
        for one in _pictures_at(path)
    ]
    _require_one_name_each(found)
    if depth is None:
        if intrinsics:
            raise ConfigError(
                "intrinsics without a depth picture: colour alone needs none, and recorded frames "
                "bring their own"
            )
        return found
    if any(source.is_recorded for source in found):
        raise ConfigError("a depth picture beside recorded frames, which bring their own")
    if not depth.is_dir() and len(found) > 1:
        raise ConfigError(
            f"{depth} is one depth picture for {len(found)} pictures: give a folder with one "
            "of the same name for each"
        )
    return [
        PictureSource(one.name, one.path, _depth_of(one.path, depth), intrinsics, depth_unit)
        for one in found
    ]


def _pictures_at(path: Path) -> list[Path]:
    if is_recorded(path) or not path.is_dir():
        return [path]
    inside = sorted(path.iterdir())
    frames = [one for one in inside if is_recorded(one)]
    pictures = [one for one in inside if one.suffix.lower() in PICTURE_SUFFIXES]
    if not frames and not pictures:
        raise ConfigError(
            f"{path} holds neither pictures ({', '.join(PICTURE_SUFFIXES)}) nor folders with "
            "color.png, depth.png and camera.json"
        )
    return frames + pictures


def _depth_of(picture: Path, depth: Path) -> Path:
    if not depth.is_dir():
        return depth
    for suffix in PICTURE_SUFFIXES:
        if (depth / f"{picture.stem}{suffix}").exists():
            return depth / f"{picture.stem}{suffix}"
    raise ConfigError(f"{depth} holds no depth picture {picture.stem} for {picture}")


def _require_one_name_each(sources: Sequence[PictureSource]) -> None:
    seen: dict[str, Path] = {}
    for source in sources:
        if source.name in seen:
            raise ConfigError(
                f"{seen[source.name]} and {source.path} have the same name {source.name}: give "
                "one after the other"
            )
        seen[source.name] = source.path
