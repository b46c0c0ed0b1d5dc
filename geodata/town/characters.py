"""What each district of the sample town is known for: its name, how many shops it has and in which trades."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from geodata.town.hours import Rhythm

ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True)
class Character:
    """A district's names by BCP 47 tag, its shops along the streets and their trades by weight.

    rhythm  the opening hours of every shop in it, when the place decides and not the trade
    """

    names: Mapping[str, str]
    shops: int
    trades: tuple[tuple[str, float], ...]
    rhythm: Rhythm | None = None
    parent: str | None = None


def _names(hans: str, hant: str, en: str, ja: str) -> Mapping[str, str]:
    return MappingProxyType({"zh-Hans": hans, "zh-Hant": hant, "en": en, "ja": ja})


def _weights(text: str) -> tuple[tuple[str, float], ...]:
    """Trades from text such as "cafe 3, books 2.5"."""
    pairs = (entry.split() for entry in text.replace("\n", " ").split(","))
    return tuple((trade, float(weight)) for trade, weight in pairs)


CHARACTERS: Mapping[str, Character] = MappingProxyType(
    {
        "old_town": Character(
            names=_names("鹭桥古镇步行街区", "鷺橋古鎮步行街區", "Heron Bridge Old Town", "鷺橋古鎮歩行街"),
            shops=330,
            trades=_weights("""
                crafts 24, gifts 14, pottery 6, antiques 5, art 4, museum 0.8, theatre 0.5, silk 5,
                tea_house 7, tea_shop 7, snacks 11, sweets 9, dried_goods 4, liquor 3, restaurant 4,
                guest_house 4, milk_tea 2, cafe 3, ice_cream 1.5, noodles 1, jewellery 2, tailor 1.5,
                convenience 1.5, stationery 3, pharmacy 0.7, drugstore 1, photo 1.5, bar 1
            """),
        ),
        "mall_quarter": Character(
            names=_names("晴光新城商圈", "晴光新城商圈", "Clearlight Mall Quarter", "晴光新城ショッピング街"),
            shops=175,
            trades=_weights("""
                clothes 17, shoes 7, bags 5, jewellery 4, children 5, electronics 10, mobile 11,
                computer 6, homeware 3, furniture 3, cosmetics 4, beauty 3, optician 2, milk_tea 2,
                cafe 3, fast_food 2, restaurant 2, bakery 2, bank 2, sports 2, toys 2, gym 1,
                hairdresser 2, convenience 2, cinema 0.2, school 1
            """),
        ),
        "food_quarter": Character(
            names=_names("河埠美食城", "河埠美食城", "Hebu Food Quarter", "河埠グルメ街"),
            shops=190,
            trades=_weights("""
                restaurant 22, hotpot 9, grill 8, noodles 7, snacks 8, fast_food 4, bar 7, karaoke 2.5,
                club 1, massage 3, milk_tea 3, ice_cream 2, bakery 2, breakfast 4, fishmonger 4,
                butcher 4, vegetables 5, greengrocer 5, convenience 4, liquor 4, dried_goods 3,
                supermarket 1, parcel 1, laundry 1, games 2, kiosk 1
            """),
        ),
        "campus_quarter": Character(
            names=_names("明德书院大学城", "明德書院大學城", "Mingde University Quarter", "明徳書院大学街"),
            shops=180,
            trades=_weights("""
                cafe 13, books 9, stationery 5, copyshop 12, milk_tea 5, fast_food 5, noodles 3, snacks 4,
                bakery 3, music 3, art 3, toys 1, school 8, computer 2, mobile 2, optician 2, bicycle 2,
                laundry 4, parcel 5, photo 2, hairdresser 4, convenience 3, hostel 2, games 3, gym 1.5,
                gifts 1, greengrocer 1, pharmacy 1, rental 1
            """),
        ),
        "station_quarter": Character(
            names=_names("汀鹭站前商圈", "汀鷺站前商圈", "Tinglu Station Area", "汀鷺駅前商圏"),
            shops=165,
            trades=_weights("""
                hotel 17, guest_house 6, hostel 5, fast_food 7, breakfast 2, noodles 2, restaurant 2,
                convenience 7, travel 7, parcel 5, bank 4, laundry 3, copyshop 2, estate 4, photo 2,
                tailor 2, massage 3, dried_goods 3, gifts 2, mobile 2, pharmacy 2, car_repair 2, rental 3,
                bicycle 1, bags 1, kiosk 2, variety 1
            """),
        ),
        "night_market": Character(
            names=_names("河埠夜市街", "河埠夜市街", "Hebu Night Market Street", "河埠ナイトマーケット通り"),
            shops=85,
            trades=_weights("""
                snacks 22, grill 16, ice_cream 5, milk_tea 6, bar 5, fast_food 4, clothes 12, bags 6,
                jewellery 4, gifts 5, toys 4, greengrocer 3, mobile 2, variety 2
            """),
            rhythm="night_market",
            parent="food_quarter",
        ),
        ELSEWHERE: Character(
            names=_names("汀鹭镇", "汀鷺鎮", "Tinglu", "汀鷺鎮"),
            shops=250,
            trades=_weights("""
                convenience 11, greengrocer 7, breakfast 6, noodles 5, restaurant 7, hairdresser 8,
                pharmacy 5, drugstore 1, supermarket 4, hardware 7, parcel 5, car_repair 7, bicycle 4,
                clinic 4, dentist 2, estate 4, bank 3, laundry 3, tailor 2, furniture 3, homeware 3,
                florist 3, pets 3, school 5, hotel 2, liquor 3, bakery 2, cafe 2, milk_tea 2, clothes 3,
                gym 2, massage 2, mobile 2, butcher 2, vegetables 2, beauty 3, grill 2, computer 1,
                fuel 2, variety 3, kiosk 2, rental 1
            """),
        ),
    }
)
