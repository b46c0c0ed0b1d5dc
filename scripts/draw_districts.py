"""A picture of districts with their shops underneath: python -m scripts.draw_districts FILE.osm.pbf OUT.png"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
import shapely
from matplotlib import font_manager, patheffects
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Outline
from matplotlib.transforms import Bbox

from geo_offers.districts.discovered import DiscoveredDistrict
from geo_offers.districts.discovery import discover
from geo_offers.domain.place import Shop
from geo_offers.index.polygons import Polygonal
from geodata.osm import read_osm
from geodata.osm_places import read_places
from geodata.report import ReadReport

_FILL = {"regional": "#d1495b", "town": "#edae49", "local": "#00798c"}
_NAME_SIZE = {"regional": 13, "town": 11, "local": 9}
_DPI = 110
_STREET = "#2b2d42"
_CJK_FONTS = ("Noto Sans CJK JP", "Noto Sans CJK SC", "Source Han Sans JP", "IPAexGothic", "WenQuanYi Zen Hei",
              "Droid Sans Fallback", "Hiragino Sans", "PingFang SC", "Yu Gothic", "Microsoft YaHei")  # fmt: skip


def draw(
    shops: Sequence[Shop],
    districts: Sequence[DiscoveredDistrict],
    out: Path,
    *,
    title: str = "",
    attribution: str = "",
    box: tuple[float, float, float, float] | None = None,
    inches: float = 12.0,
) -> None:
    """Write a PNG: shops as dots, quarters filled by rank, streets as lines, names on top.

    box  west, south, east, north in degrees; all shops when None
    """
    west, south, east, north = box or _box_of(shops)
    stretch = 1 / np.cos(np.radians((south + north) / 2))
    tall = (north - south) * stretch / max(east - west, 1e-9)
    with mpl.rc_context({"font.family": [*_cjk_fonts(), "DejaVu Sans"]}):
        figure = Figure(
            dpi=_DPI, figsize=(inches, min(max(inches * tall, inches / 3), inches * 2)), layout="constrained"
        )
        axes = figure.add_subplot()
        at = np.array([(shop.at.lng, shop.at.lat) for shop in shops]).reshape(-1, 2)
        axes.scatter(at[:, 0], at[:, 1], s=4, color="#333333", linewidths=0, zorder=2)
        for district in sorted(districts, key=lambda district: district.level):
            _draw_shape(axes, district)
        axes.set(xlim=(west, east), ylim=(south, north), aspect=stretch, xticks=[], yticks=[], title=title)
        axes.annotate(
            attribution,
            (1, 0),
            (-4, 4),
            "axes fraction",
            "offset points",
            ha="right",
            fontsize=8,
            color="#666666",
        )
        figure.draw_without_rendering()
        _draw_names(axes, districts, (west, south, east, north))
        figure.savefig(out, dpi=_DPI)


def _draw_shape(axes: Axes, district: DiscoveredDistrict) -> None:
    colour = _FILL[district.rank] if district.level == "quarter" else _STREET
    look = {
        "quarter": {"facecolor": colour + "44", "linewidth": 1.4},
        "street": {"facecolor": "none", "linewidth": 1.2},
    }
    axes.add_patch(PathPatch(_outline(district.shape), edgecolor=colour, zorder=1.5, **look[district.level]))


def _draw_names(
    axes: Axes, districts: Sequence[DiscoveredDistrict], box: tuple[float, float, float, float]
) -> None:
    """Names where there is room, quarters and large ones first."""
    filled: list[Bbox] = []
    for district in sorted(districts, key=lambda district: (district.level, -district.measures.shops)):
        at = shapely.point_on_surface(district.shape)
        if not (box[0] <= at.x <= box[2] and box[1] <= at.y <= box[3]):
            continue
        quarter = district.level == "quarter"
        text = axes.text(
            at.x, at.y, f"{district.name} ({district.measures.shops})" if quarter else district.name,
            fontsize=_NAME_SIZE[district.rank] if quarter else 7, weight="bold" if quarter else "normal",
            color="#111111" if quarter else _STREET, ha="center", va="center", zorder=4, clip_on=True,
        )  # fmt: skip
        text.set_path_effects([patheffects.withStroke(linewidth=3, foreground="white")])
        extent = text.get_window_extent()
        if any(extent.overlaps(other) for other in filled):
            text.remove()
        else:
            filled.append(extent)


def _outline(shape: Polygonal) -> Outline:
    rings = shapely.get_rings(shapely.get_parts(shape))
    return Outline.make_compound_path(
        *(Outline(shapely.get_coordinates(ring), closed=True) for ring in rings)
    )


def _box_of(shops: Sequence[Shop]) -> tuple[float, float, float, float]:
    if not shops:
        return 0.0, 0.0, 1.0, 1.0
    lngs, lats = [shop.at.lng for shop in shops], [shop.at.lat for shop in shops]
    room = 0.03 * max(max(lngs) - min(lngs), max(lats) - min(lats), 1e-3)
    return min(lngs) - room, min(lats) - room, max(lngs) + room, max(lats) + room


def _cjk_fonts() -> list[str]:
    """A font with Chinese and Japanese, if this machine has one."""
    for path in font_manager.findSystemFonts():
        if "cjk" in path.lower() and "regular" in path.lower():
            font_manager.fontManager.addfont(path)
    installed = {font.name for font in font_manager.fontManager.ttflist}
    return [name for name in _CJK_FONTS if name in installed][:1]


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Discover the districts of an OpenStreetMap extract and draw them."
    )
    parser.add_argument("extract", type=Path)
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    shops = list(read_osm(given.extract, ReadReport()))
    districts = discover(shops, places=read_places(given.extract))
    draw(
        shops,
        districts,
        given.out,
        title=given.extract.name,
        attribution="© OpenStreetMap contributors (ODbL)",
    )
    for district in districts:
        indent = "" if district.level == "quarter" else "    "
        groups = ", ".join(share.group for share in district.primary)
        print(f"{indent}{district.name}: {district.rank}, {district.measures.shops} shops, {groups}")


if __name__ == "__main__":
    main()
