"""The invented chains of the sample town; none of them is a real trade mark."""

from __future__ import annotations

from dataclasses import dataclass

from geodata.town.words import Words


@dataclass(frozen=True, slots=True)
class Brand:
    """A chain: its name, its trade, the opening hours of all its branches if they share them."""

    name: Words
    trade: str
    opening_hours: str | None = None


BRANDS: tuple[Brand, ...] = (
    Brand(Words("鹭鸣咖啡", "Heron Call Coffee"), "cafe", "07:00-21:30"),
    Brand(Words("半格咖啡", "Half Grid Coffee"), "cafe", "Mo-Fr 07:00-20:30; Sa,Su,PH 08:00-21:30"),
    Brand(Words("澜芽茶饮", "Lanya Tea"), "milk_tea", "10:00-22:00"),
    Brand(Words("芋见汀", "Taro by the Shore"), "milk_tea", "Mo-Th 10:00-22:00; Fr-Su,PH 10:00-23:00"),
    Brand(Words("茶九格", "Nine Grid Tea"), "milk_tea"),
    Brand(Words("麦汀烘焙", "Maiting Bakery"), "bakery", "07:00-21:30"),
    Brand(Words("酥小鹭", "Little Heron Pastry"), "bakery", "08:00-22:00"),
    Brand(Words("汀福便利", "Tingfu Mart"), "convenience", "24/7"),
    Brand(Words("夜灯便利", "Night Lamp"), "convenience", "24/7"),
    Brand(Words("岸上生鲜", "Onshore Fresh"), "supermarket", "07:30-22:00"),
    Brand(Words("鹭仓超市", "Lucang Supermarket"), "supermarket", "08:00-22:00"),
    Brand(Words("炸翎鸡", "Crisp Feather Chicken"), "fast_food", "10:00-23:00"),
    Brand(Words("禾碗饭堂", "Hewan Rice Kitchen"), "fast_food", "Mo-Fr 09:30-21:00; Sa,Su,PH 10:00-21:30"),
    Brand(Words("堡小舟", "Burger Skiff"), "fast_food", "07:00-24:00"),
    Brand(Words("面渡牛肉面", "Miandu Beef Noodles"), "noodles", "06:30-21:00"),
    Brand(Words("灶汀老火锅", "Zaoting Hotpot"), "hotpot", "11:00-02:00"),
    Brand(Words("岸边烤局", "Bankside Grill"), "grill", "17:00-03:00"),
    Brand(Words("雪汀冰室", "Xueting Ice House"), "ice_cream", "10:30-22:30"),
    Brand(Words("蔚汀女装", "Weiting"), "clothes"),
    Brand(Words("北苇制衣", "Beiwei Apparel"), "clothes"),
    Brand(Words("简鹭", "Plain Heron"), "clothes", "10:00-22:00"),
    Brand(Words("小鹭童衣", "Little Heron Kids"), "children"),
    Brand(Words("履汀", "Lüting Shoes"), "shoes"),
    Brand(Words("珀汀珠宝", "Boting Jewellery"), "jewellery", "10:00-21:30"),
    Brand(Words("芯苇数码", "Xinwei Digital"), "electronics"),
    Brand(Words("汀讯通讯", "Tingxun Mobile"), "mobile", "09:00-20:30"),
    Brand(Words("明汀眼镜", "Mingting Optics"), "optician", "09:30-21:00"),
    Brand(Words("汀安大药房", "Ting'an Pharmacy"), "pharmacy", "08:00-22:00"),
    Brand(Words("百苇堂药房", "Baiwei Hall Pharmacy"), "pharmacy"),
    Brand(Words("泊鹭酒店", "Bolu Hotel"), "hotel", "24/7"),
    Brand(Words("短汀驿", "Duanting Inn"), "hotel", "24/7"),
    Brand(Words("镜苇银行", "Jingwei Bank"), "bank", "Mo-Fr 09:00-17:00; Sa,Su 09:00-16:00; PH off"),
    Brand(Words("汀剪造型", "Snip Shore Hair"), "hairdresser", "10:00-21:30"),
    Brand(Words("壹汀洗衣", "One Shore Laundry"), "laundry", "08:30-20:30"),
    Brand(Words("快鹭图文", "Swift Heron Print"), "copyshop", "Sep-Jun 08:00-22:00; Jul-Aug 09:00-18:00"),
    Brand(Words("页汀书店", "Yeting Books"), "books", "10:00-22:00"),
    Brand(Words("镜汀美妆", "Jingting Beauty"), "cosmetics"),
    Brand(Words("汀幕影城", "Tingmu Cinema"), "cinema", "10:00-01:30"),
    Brand(Words("声汀KTV", "Shengting Karaoke"), "karaoke", "12:00-04:00"),
    Brand(Words("力汀健身", "Liting Fitness"), "gym", "Mo-Fr 06:30-23:00; Sa,Su,PH 08:00-22:00"),
    Brand(Words("汀邻驿站", "Tinglin Parcels"), "parcel", "08:30-21:00"),
    Brand(Words("青苇茶庄", "Qingwei Teas"), "tea_shop"),
)

CHAIN_CHANCE: dict[str, float] = {
    "bank": 0.8, "cinema": 1.0, "convenience": 0.75, "cosmetics": 0.6, "fast_food": 0.42, "gym": 0.6,
    "hotel": 0.55, "karaoke": 0.6, "milk_tea": 0.6, "mobile": 0.5, "optician": 0.6, "parcel": 0.6,
    "pharmacy": 0.7, "supermarket": 0.7,
}  # fmt: skip
"""How many shops of a trade belong to a chain, where the trade has one; else OTHER_CHAIN_CHANCE."""
OTHER_CHAIN_CHANCE = 0.34
