"""Names of the sample town and of the places on its map."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from geodata.town.words import Words

TOWN_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "zh-Hans": "汀鹭镇（示例）",
        "zh-Hant": "汀鷺鎮（示例）",
        "en": "Tinglu (sample town)",
        "ja": "汀鷺鎮（サンプル）",
    }
)

AREA_NAMES: Mapping[str, Words] = MappingProxyType(
    {
        "station_square": Words("站前广场", "Station Square"),
        "temple_square": Words("鹭神庙广场", "Heron Temple Square"),
        "mall_plaza": Words("晴光广场", "Clearlight Square"),
        "river": Words("霁川", "River Jichuan"),
        "park_pond": Words("荷塘", "Lotus Pond"),
        "campus_pond": Words("砚湖", "Inkstone Lake"),
        "riverside_park": Words("鹭桥滨河公园", "Heron Bridge Riverside Park"),
        "lotus_park": Words("荷塘公园", "Lotus Pond Park"),
        "hill": Words("望鹭山", "Heron Hill"),
        "campus": Words("明德书院", "Mingde Academy"),
        "mall_light": Words("晴光天地", "Clearlight Plaza"),
        "mall_bridge": Words("云鹭荟", "Cloud Heron Mall"),
        "food_hall": Words("河埠菜市场", "Hebu Market Hall"),
        "station": Words("汀鹭站", "Tinglu Station"),
    }
)
