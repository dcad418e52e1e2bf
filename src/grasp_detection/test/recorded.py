"""Recorded frames of traced scenes, with labels, in folders."""

import json

import cv2
import numpy as np


def write_frame(folder, frame, T_world_camera, *, source="github.com/some/body@1 x", **about):
    """One recorded frame; returns its folder."""
    folder.mkdir(parents=True)
    cv2.imwrite(str(folder / "color.png"), frame.color)
    depth = np.nan_to_num(frame.depth_m * 1000.0).round().astype(np.uint16)
    cv2.imwrite(str(folder / "depth.png"), depth)
    camera = frame.camera
    values = {name: getattr(camera, name) for name in ("fx", "fy", "cx", "cy", "width", "height")}
    values |= {"source": source, "camera": "Traced", **about}
    (folder / "camera.json").write_text(json.dumps(values))
    normal = T_world_camera.rotation[2]
    support = {"normal": normal.tolist(), "offset_m": float(T_world_camera.translation[2])}
    (folder / "support.json").write_text(json.dumps(support))
    return folder


def write_labels(folder, name, objects=(), forbidden=(), size=(640, 480)):
    """Labels of a picture: polygons without names."""
    folder.mkdir(parents=True, exist_ok=True)
    regions = {
        key: [{"name": key, "polygons": [polygon]} for polygon in polygons]
        for key, polygons in (("objects", objects), ("forbidden", forbidden))
    }
    path = folder / f"{name}.json"
    path.write_text(json.dumps({"picture": name, "size": list(size), **regions}))
    return path


def square(u, v, half):
    """A polygon round a pixel."""
    return [[u - half, v - half], [u + half, v - half], [u + half, v + half], [u - half, v + half]]
