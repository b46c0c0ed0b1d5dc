"""Words for categories, as people write them in tables, become leaves of our tree by way of OSM tags."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType

from geo_offers.domain.categories import LEAF_INDEX, TAG_KEYS, category_of_tags, leaves_of
from geo_offers.domain.errors import CategoryUnknown, FileFault
from geodata.csv_text import csv_rows

# An OSM tag, then words for it; what the tree makes of the tag is the tree's business.
_WORDS = """
amenity=restaurant restaurant 餐厅 餐廳 餐馆 餐館 饭店 飯店 饭馆 中餐 中餐厅 中餐廳 西餐 西餐厅 西餐廳
  火锅 火鍋 烧烤 燒烤 川菜 粤菜 粵菜 湘菜 海鲜 海鮮 日料 日本料理 韩国料理 韓國料理 餐饮 餐飲 餐饮服务
  美食 レストラン 食堂 和食 洋食 中華 中華料理 中国料理 そば うどん そばうどん そば・うどん ラーメン 寿司
  鮨 焼肉 焼鳥 天ぷら とんかつ うなぎ イタリアン フレンチ 韓国料理 料亭 割烹 ファミリーレストラン
  ファミレス お好み焼き 鍋 飲食
amenity=fast_food fast-food 快餐 快餐厅 速食 小吃 小吃店 汉堡 漢堡 ファストフード ファーストフード
  ハンバーガー 牛丼 弁当
amenity=cafe cafe café coffee 咖啡 咖啡厅 咖啡廳 咖啡馆 咖啡館 茶馆 茶館 茶艺馆 茶室 カフェ 喫茶 喫茶店
  珈琲 コーヒー
shop=bubble_tea 奶茶 奶茶店 茶饮 茶飲 手摇饮 手搖飲 タピオカ
amenity=ice_cream 冰淇淋 冰激凌 アイスクリーム
amenity=bar bar 酒吧 バー スナック
amenity=pub pub 居酒屋 パブ
amenity=nightclub 夜店 夜总会 夜總會 迪厅 ナイトクラブ クラブ
amenity=karaoke_box karaoke ktv 卡拉ok カラオケ
shop=bakery bakery 面包 麵包 面包店 麵包店 烘焙 パン パン屋 ベーカリー
shop=pastry 蛋糕 蛋糕店 糕点 糕點 甜品 甜品店 甜點 ケーキ スイーツ 洋菓子 和菓子 菓子
shop=convenience convenience 便利店 便利商店 コンビニ コンビニエンスストア
shop=supermarket supermarket 超市 超级市场 超級市場 スーパー スーパーマーケット
shop=greengrocer 水果 水果店 蔬果 蔬菜 果蔬 八百屋 青果
shop=butcher 肉店 肉铺 肉舖 精肉 肉屋
shop=seafood 水产 水產 魚屋 鮮魚
shop=alcohol 酒类 烟酒 煙酒 酒 酒屋 酒店专卖 リカー
shop=tea 茶叶 茶葉 茶行 茶庄 お茶
shop=mall mall 商场 商場 购物中心 購物中心 ショッピングセンター ショッピングモール
shop=department_store 百货 百貨 百货商店 百貨公司 百貨店 デパート
shop=clothes clothes clothing 服装 服裝 服饰 服飾 女装 男装 童装 アパレル 衣料 衣料品 洋服 ファッション
shop=shoes shoes 鞋 鞋店 靴 靴屋
shop=bag 箱包 皮具 鞄 かばん バッグ
shop=jewelry 珠宝 珠寶 首饰 首飾 ジュエリー 宝石
shop=watches 钟表 鐘錶 手表 時計
shop=optician 眼镜 眼鏡 眼镜店 眼鏡店 メガネ
shop=cosmetics cosmetics 化妆品 化妝品 美妆 美妝 化粧品 コスメ
shop=electronics electronics 电器 電器 数码 數碼 家电 家電 電気店
shop=mobile_phone 手机 手機 携帯電話 携帯
shop=computer 电脑 電腦 パソコン
shop=furniture furniture 家具 家居 インテリア
shop=hardware 五金 金物 ホームセンター
shop=books books bookshop 书店 書店 图书 圖書 本屋 書籍
shop=stationery 文具 文房具
shop=toys 玩具 おもちゃ
shop=gift 礼品 禮品 土産 お土産 土産物 ギフト
shop=florist 花店 鲜花 鮮花 花屋 生花店
shop=sports 体育用品 運動用品 スポーツ用品
shop=bicycle 自行车 自行車 自転車
shop=pet 宠物 寵物 ペットショップ
shop=hairdresser hairdresser 理发 理髮 美发 美髮 发廊 理发店 美容室 理容 理容室 床屋 ヘアサロン
shop=beauty 美容 美容院 美甲 エステ ネイル ネイルサロン
shop=massage 按摩 足疗 足浴 マッサージ リラクゼーション 整体
shop=laundry 洗衣 洗衣店 干洗 乾洗 クリーニング
shop=travel_agency 旅行社 旅行代理店
shop=car 汽车销售 汽車銷售 自動車販売
shop=car_repair 汽车维修 汽車維修 自動車整備
amenity=fuel 加油站 ガソリンスタンド
amenity=parking 停车场 停車場 駐車場
amenity=pharmacy pharmacy 药店 藥店 药房 藥房 藥局 薬局 薬
shop=chemist drugstore ドラッグストア
amenity=clinic 诊所 診所 クリニック 医院・クリニック
amenity=dentist 牙科 牙医 牙醫 歯科 歯医者
amenity=bank bank 银行 銀行
amenity=cinema cinema 电影院 電影院 影院 映画館
amenity=theatre 剧院 劇院 剧场 劇場
tourism=museum museum 博物馆 博物館
tourism=hotel hotel 酒店 宾馆 賓館 旅馆 旅館 ホテル 住宿 宿泊
tourism=guest_house 民宿 客栈 民泊 ゲストハウス ペンション
leisure=fitness_centre gym fitness 健身 健身房 フィットネス ジム スポーツジム
leisure=sports_centre 体育馆 體育館 スポーツセンター
amenity=library 图书馆 圖書館 図書館
"""
_BETWEEN_WORDS = re.compile(r"[/;|>,、；]")
_SHOP_ENDINGS = ("専門店", "店", "屋")


def spelled(word: str) -> str:
    """The word in the one spelling by which words are compared: full and half width alike, small letters."""
    return unicodedata.normalize("NFKC", word).strip().casefold()


class CategoryWords:
    """Leaves by word: the file's own table first, then keys of our tree, OSM tags, common words."""

    def __init__(self, own: Mapping[str, str]) -> None:
        """own: word -> leaf. Raises CategoryUnknown for a leaf that our tree does not have."""
        self._own = {spelled(word): checked_leaf(leaf) for word, leaf in own.items()}
        self.leaf_of = lru_cache(maxsize=4_096)(self._leaf_of)
        """The leaf for a word, or None; of several words in one ("A/B", "A;B") the last that is known."""

    def leaf_of_tags(self, tags: Mapping[str, str]) -> str | None:
        """The leaf for OSM tags, or None."""
        return category_of_tags(tags)

    def _leaf_of(self, word: str) -> str | None:
        word = spelled(word)
        leaf = self._known(word)
        if leaf is not None:
            return leaf
        parts = reversed(_BETWEEN_WORDS.split(word))
        return next(filter(None, (self._known(part.strip()) for part in parts)), None)

    def _known(self, word: str) -> str | None:
        if not word:
            return None
        if word in self._own:
            return self._own[word]
        if word in LEAF_INDEX:
            return word
        key, equals, value = word.partition("=")
        if equals:
            return category_of_tags({key: value})
        return _by_table(word) or _by_osm_value(word.replace(" ", "_"))


def read_category_words(path: Path) -> dict[str, str]:
    """word -> leaf from a CSV of two columns; a first row "from,to" is a header.

    Raises FileFault with the line for a row of another shape or a leaf that our tree does not have.
    """
    words = {}
    for line, row in csv_rows(path, None):
        place = f"line {line}"
        if len(row) != 2:
            raise FileFault(f"{path.name} needs two fields a row, from and to, not {len(row)}", place=place)
        word, leaf = (field.strip() for field in row)
        if line == 1 and (spelled(word), spelled(leaf)) == ("from", "to"):
            continue
        try:
            words[word] = checked_leaf(leaf)
        except CategoryUnknown as fault:
            raise FileFault(f"{path.name}: {fault}", place=place) from fault
    return words


def checked_leaf(leaf: str) -> str:
    """The leaf itself; raises CategoryUnknown when our tree does not have it or it is a group."""
    if leaf not in LEAF_INDEX:
        leaves = ", ".join(leaves_of(leaf))
        raise CategoryUnknown(f"{leaf!r} is a group of categories; a shop needs one of {leaves}")
    return leaf


def _by_table(word: str) -> str | None:
    table = _leaf_by_word()
    for ending in ("", *_SHOP_ENDINGS):
        if word.endswith(ending) and (leaf := table.get(word.removesuffix(ending))):
            return leaf
    return None


def _by_osm_value(value: str) -> str | None:
    # Every shop=* may have a leaf for the rest; a word that only gets that one is not known.
    for key in TAG_KEYS:
        leaf = category_of_tags({key: value})
        if leaf is not None and leaf != category_of_tags({key: "?"}):
            return leaf
    return None


@cache
def _leaf_by_word() -> Mapping[str, str]:
    leaf = None
    by_word = {}
    for word in _WORDS.split():
        key, equals, value = word.partition("=")
        if equals:
            leaf = category_of_tags({key: value})
        elif leaf is not None:
            by_word[spelled(word)] = leaf
    return MappingProxyType(by_word)
