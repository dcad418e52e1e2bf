"""What papers report of the detectors here, on the Cornell dataset: a protocol of their own.

They measure on the whole dataset of 885 pictures in five folds, image-wise or with whole objects
held out by the dataset's list; the copy here has 538 pictures, and blocks of neighbouring pictures
stand for objects. So their figures stand beside ours, never in one column with them.
"""

from __future__ import annotations

from dataclasses import dataclass

_IMAGE_WISE = ("image-wise",)
_UNSEEN = ("blocks", "object-wise")


@dataclass(frozen=True)
class PublishedFigure:
    """One figure of a paper.

    Attributes:
        detector: Name of the detector here.
        kinds: Kinds of split that it is comparable with, as far as it is.
        accuracy: By the rectangle metric, in [0, 1].
        seen: What the network of the paper saw.
        source: The paper and its table.
    """

    detector: str
    kinds: tuple[str, ...]
    accuracy: float
    seen: str
    source: str

    @property
    def text(self) -> str:
        """For a table."""
        return f"{100.0 * self.accuracy:.1f} % ({self.seen})"


_DSC = "Zhou et al. 2023, table II"
_EFCN = "Wang et al. 2019, table 1"
_SCORER = "Depierre et al. 2021"
_GR = "Kumra et al. 2020"
_DET_SEG = "Ainetter, Fraundorfer 2021, table I"
_DSGD = "Asif et al. 2019, table 2"

PUBLISHED = (
    PublishedFigure("dsc_graspnet", _IMAGE_WISE, 0.977, "RGB", _DSC),
    PublishedFigure("dsc_graspnet", _UNSEEN, 0.983, "RGB", _DSC),
    PublishedFigure("efcn", _IMAGE_WISE, 0.9442, "depth", _EFCN),
    PublishedFigure("efcn", _UNSEEN, 0.9102, "depth", _EFCN),
    PublishedFigure("grasp_scorer", _UNSEEN, 0.952, "RGB", _SCORER),
    PublishedFigure("gr_convnet", _IMAGE_WISE, 0.977, "RGB-D", _GR),
    PublishedFigure("gr_convnet", _UNSEEN, 0.966, "RGB-D", _GR),
    PublishedFigure("det", _IMAGE_WISE, 0.982, "RGB", _DET_SEG),
    PublishedFigure("dsgd_ggn", _UNSEEN, 0.889, "RGB-D", _DSGD),
    PublishedFigure("dsgd_pgn", _UNSEEN, 0.954, "RGB-D", _DSGD),
    PublishedFigure("dsgd_rgn", _UNSEEN, 0.970, "RGB-D", _DSGD),
    PublishedFigure("dsgd", _UNSEEN, 0.977, "RGB-D", _DSGD),
)


def published(detector: str, kind: str) -> PublishedFigure | None:
    """What its paper reports on a kind of split; None for nothing."""
    return next((one for one in PUBLISHED if one.detector == detector and kind in one.kinds), None)
