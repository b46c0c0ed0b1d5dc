"""What the sample town's merchants give away, and how they say it in four languages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from geo_offers.domain.promotion import AmountOff, Benefit, BuyXGetY, FreeItem, PercentOff, Points
from geodata.town.dice import Dice

CURRENCY = "CNY"


@dataclass(frozen=True, slots=True)
class Said:
    """One thing in simplified and traditional Chinese, English and Japanese."""

    zh: str
    hant: str
    en: str
    ja: str

    def names(self, *, hant: bool, ja: bool) -> dict[str, str]:
        """By BCP 47 tag; the latter two where wanted."""
        more = {"zh-Hant": self.hant} if hant else {}
        return {"zh-Hans": self.zh, "en": self.en, **more, **({"ja": self.ja} if ja else {})}


@dataclass(frozen=True, slots=True)
class Wares:
    """What a trade sells, what it gives for free, and when it wants more guests (weekly hours)."""

    sold: Said
    gift: Said
    quiet: tuple[str, ...] = ("Mo-Th 10:00-16:00", "Mo-Fr 09:00-12:00", "Sa,Su 10:00-20:00")


_TICKETS = Said("门票", "門票", "tickets", "チケット")
_ALL = Said("全场商品", "全場商品", "everything", "店内全品")
_BY_CATEGORY: Mapping[str, Wares] = MappingProxyType(
    {
        "food.restaurant": Wares(
            Said("招牌菜", "招牌菜", "signature dishes", "看板料理"),
            Said("酸梅汤", "酸梅湯", "plum drink", "酸梅湯"),
            ("Mo-Fr 11:00-14:00", "Mo-Th 17:00-21:00", "20:30-23:00"),
        ),
        "food.fast_food": Wares(
            Said("套餐", "套餐", "set meals", "セットメニュー"),
            Said("小食", "小食", "side dish", "サイドメニュー"),
            ("Mo-Fr 11:00-13:30", "14:00-17:00"),
        ),
        "food.cafe": Wares(
            Said("手冲咖啡", "手沖咖啡", "pour-over coffee", "ハンドドリップコーヒー"),
            Said("曲奇", "曲奇", "cookie", "クッキー"),
            ("Mo-Fr 07:30-10:00", "14:00-17:00", "Sa,Su 08:00-11:00"),
        ),
        "food.dessert": Wares(
            Said("甜品", "甜品", "desserts", "スイーツ"),
            Said("加料", "加料", "topping", "トッピング"),
            ("14:00-18:00", "Mo-Fr 20:00-22:00"),
        ),
        "food.bar": Wares(
            Said("精酿啤酒", "精釀啤酒", "craft beer", "クラフトビール"),
            Said("下酒小菜", "下酒小菜", "bar snack", "おつまみ"),
            ("Su-Th 17:00-20:00", "Fr,Sa 22:00-25:00"),
        ),
        "grocery.bakery": Wares(
            Said("面包", "麵包", "bread", "パン"),
            Said("蛋挞", "蛋撻", "egg tart", "エッグタルト"),
            ("19:00-21:30", "Mo-Fr 07:00-09:00"),
        ),
        "grocery.convenience": Wares(
            Said("便当", "便當", "lunch boxes", "お弁当"),
            Said("热饮", "熱飲", "hot drink", "ホットドリンク"),
            ("06:00-09:00", "22:00-26:00"),
        ),
        "grocery": Wares(
            Said("时令水果", "時令水果", "seasonal fruit", "旬の果物"),
            Said("环保袋", "環保袋", "tote bag", "エコバッグ"),
            ("18:00-21:00", "Sa,Su 08:00-12:00"),
        ),
        "fashion": Wares(
            Said("当季新款", "當季新款", "this season's styles", "今季の新作"),
            Said("帆布袋", "帆布袋", "canvas bag", "キャンバスバッグ"),
        ),
        "beauty": Wares(
            Said("护理项目", "護理項目", "treatments", "トリートメント"),
            Said("小样", "小樣", "sample", "お試しサンプル"),
        ),
        "hobby": Wares(
            Said("文创好物", "文創好物", "gifts and stationery", "雑貨"),
            Said("书签", "書籤", "bookmark", "しおり"),
        ),
        "stay": Wares(
            Said("客房", "客房", "rooms", "お部屋"),
            Said("早餐", "早餐", "breakfast", "朝食"),
            ("Su-Th", "Mo-Fr 14:00-18:00"),
        ),
        "leisure": Wares(_TICKETS, Said("饮料", "飲料", "soft drink", "ソフトドリンク")),
        "culture": Wares(_TICKETS, Said("明信片", "明信片", "postcard", "ポストカード")),
        "services": Wares(
            Said("各项服务", "各項服務", "services", "各種サービス"),
            Said("体验一次", "體驗一次", "trial session", "体験1回"),
        ),
        "health": Wares(
            Said("保健品", "保健品", "health products", "健康用品"),
            Said("口罩", "口罩", "face mask", "マスク"),
        ),
        "mobility": Wares(
            Said("维修保养", "維修保養", "maintenance", "メンテナンス"),
            Said("检测一次", "檢測一次", "check-up", "点検1回"),
        ),
        "home": Wares(_ALL, Said("清洁套装", "清潔套裝", "cleaning kit", "クリーニングキット")),
        "shop": Wares(_ALL, Said("购物袋", "購物袋", "shopping bag", "ショッピングバッグ")),
    }
)
#: What is no business of promotions.
WITHOUT_PROMOTIONS = frozenset({"services.bank", "services.post", "health.doctor", "mobility.fuel"})
_FOLDS = {1_000: "九", 1_200: "八八", 1_500: "八五", 2_000: "八", 3_000: "七", 5_000: "五"}
_SPENT_AND_OFF = ((30, 5), (50, 10), (100, 20), (200, 50), (300, 80))
_NUMERALS = ("零", "一", "二", "三")


def wares_of(category: str) -> Wares:
    """The wares of a category, or of its group."""
    return _BY_CATEGORY.get(category) or _BY_CATEGORY[category.partition(".")[0]]


def cast_benefit(wares: Wares, dice: Dice) -> tuple[Benefit, Said]:
    """A benefit and its title."""
    makers = ((_percent, 0.35), (_amount, 0.25), (_gift, 0.15), (_more, 0.15), (_points, 0.10))
    return dice.weighted(makers)(wares, dice)


def _percent(wares: Wares, dice: Dice) -> tuple[Benefit, Said]:
    points, folds = dice.pick(tuple(_FOLDS.items()))
    sold, percent = wares.sold, points // 100
    title = Said(
        f"{sold.zh}{folds}折",
        f"{sold.hant}{folds}折",
        f"{percent} % off {sold.en}",
        f"{sold.ja}{percent}%オフ",
    )
    return PercentOff(points, dice.pick((2_000, 5_000)) if dice.happens(0.3) else None), title


def _amount(wares: Wares, dice: Dice) -> tuple[Benefit, Said]:
    spent, off = dice.pick(_SPENT_AND_OFF)
    sold = wares.sold
    if dice.happens(0.25):
        title = Said(
            f"{sold.zh}立减{off}元",
            f"{sold.hant}立減{off}元",
            f"¥{off} off {sold.en}",
            f"{sold.ja}{off}元引き",
        )
        return AmountOff(off * 100, CURRENCY), title
    title = Said(
        f"满{spent}元减{off}元",
        f"滿{spent}元減{off}元",
        f"¥{off} off from ¥{spent}",
        f"{spent}元以上で{off}元引き",
    )
    return AmountOff(off * 100, CURRENCY, spent * 100), title


def _gift(wares: Wares, _dice: Dice) -> tuple[Benefit, Said]:
    gift = wares.gift
    title = Said(f"到店赠{gift.zh}", f"到店贈{gift.hant}", f"Free {gift.en}", f"{gift.ja}プレゼント")
    return FreeItem(gift.zh), title


def _more(wares: Wares, dice: Dice) -> tuple[Benefit, Said]:
    buy, sold = 1 + dice.below(3), wares.sold
    title = Said(
        f"{sold.zh}买{_NUMERALS[buy]}送一",
        f"{sold.hant}買{_NUMERALS[buy]}送一",
        f"Buy {buy}, get 1 free: {sold.en}",
        f"{sold.ja} {buy}点購入で1点無料",
    )
    return BuyXGetY(buy, 1), title


def _points(_wares: Wares, dice: Dice) -> tuple[Benefit, Said]:
    points = 50 * (1 + dice.below(6))
    title = Said(
        f"到店送{points}积分",
        f"到店送{points}積分",
        f"{points} points for a visit",
        f"来店で{points}ポイント",
    )
    return Points(points), title
