"""The trades of the sample town: category, ways to be called, rhythm of the day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from geodata.town.hours import Rhythm
from geodata.town.words import Words, read_words

Style = Literal["surname", "given", "house", "fancy", "local"]
_STYLE_OF_LETTER: dict[str, Style] = {"s": "surname", "g": "given", "h": "house", "f": "fancy", "l": "local"}


@dataclass(frozen=True, slots=True)
class Trade:
    """One line of business.

    category  a leaf of the category tree
    styles    how such shops are named, likelier ones more than once
    nouns     what the second half of the name may be
    """

    key: str
    category: str
    styles: tuple[Style, ...]
    nouns: tuple[Words, ...]
    rhythm: Rhythm


def _trade(key: str, category: str, styles: str, rhythm: Rhythm, nouns: str) -> Trade:
    return Trade(
        key, category, tuple(_STYLE_OF_LETTER[letter] for letter in styles), read_words(nouns), rhythm
    )


_ALL = (
    # Food and drink
    _trade("cafe", "food.cafe", "ffffl", "cafe",
           "咖啡 Coffee, 咖啡馆 Café, 咖啡工坊 Coffee Works, 手冲咖啡 Pour-Over"),
    _trade("tea_house", "food.cafe", "hhsll", "tea",
           "茶馆 Teahouse, 茶楼 Tea House, 茶社 Tea Room, 书茶馆 Story Teahouse"),
    _trade("milk_tea", "food.dessert", "fffg", "drinks",
           "奶茶 Milk Tea, 茶铺 Tea Bar, 果茶 Fruit Tea, 鲜茶 Fresh Tea"),
    _trade("bakery", "grocery.bakery", "ffsgh", "cafe",
           "面包房 Bakery, 烘焙 Bakehouse, 饼屋 Cake House, 西点 Patisserie"),
    _trade("snacks", "food.fast_food", "sssgglh", "fast_food",
           "小笼 Steamed Buns, 生煎 Pan-Fried Buns, 馄饨 Wontons, 锅贴 Potstickers, 臭豆腐 Stinky Tofu, "
           "豆花 Tofu Pudding, 葱油饼 Scallion Pancakes, 糖水铺 Sweet Soups, 粢饭团 Rice Rolls, "
           "卤味 Braised Snacks, 炸串 Fried Skewers"),
    _trade("breakfast", "food.fast_food", "ssgg", "breakfast",
           "早点 Breakfast, 豆浆油条 Soy Milk & Dough Sticks, 包子铺 Bun Shop, 粥铺 Congee"),
    _trade("noodles", "food.restaurant", "sssghl", "breakfast",
           "面馆 Noodles, 拉面 Hand-Pulled Noodles, 汤面 Noodle Soup, 小面 Spicy Noodles, "
           "面庄 Noodle House"),
    _trade("restaurant", "food.restaurant", "sshhfll", "restaurant",
           "饭店 Restaurant, 酒家 Restaurant, 土菜馆 Country Kitchen, 小馆 Little Kitchen, "
           "私房菜 Private Kitchen, 河鲜馆 River Fish House, 家常菜 Home Cooking, 川菜馆 Sichuan Kitchen, "
           "菜馆 Dining Hall"),
    _trade("hotpot", "food.restaurant", "shhf", "late",
           "火锅 Hotpot, 老灶火锅 Old Stove Hotpot, 羊肉锅 Mutton Pot, 鱼头火锅 Fish Head Hotpot"),
    _trade("grill", "food.restaurant", "sgggf", "late",
           "烧烤 Barbecue, 烤鱼 Grilled Fish, 龙虾馆 Crayfish House, 羊肉串 Lamb Skewers, "
           "大排档 Street Kitchen"),
    _trade("fast_food", "food.fast_food", "gsh", "fast_food",
           "快餐 Fast Food, 盖浇饭 Rice Bowls, 麻辣烫 Malatang, 炸鸡 Fried Chicken, 汉堡 Burgers, "
           "便当 Lunch Boxes"),
    _trade("ice_cream", "food.dessert", "fffg", "drinks",
           "冰淇淋 Ice Cream, 甜品 Desserts, 冰室 Ice House, 刨冰 Shaved Ice"),
    _trade("bar", "food.bar", "ffff", "night",
           "酒吧 Bar, 精酿 Craft Beer, 小酒馆 Tavern, 清吧 Lounge"),
    _trade("club", "leisure.nightclub", "ff", "night",
           "俱乐部 Club, 舞厅 Dance Hall"),
    # Groceries
    _trade("convenience", "grocery.convenience", "shh", "convenience",
           "便利店 Convenience Store, 小卖部 Corner Shop, 便民超市 Mini Mart, 烟酒杂货 Sundries"),
    _trade("supermarket", "grocery.supermarket", "hhl", "supermarket",
           "超市 Supermarket, 生鲜超市 Fresh Market, 平价超市 Discount Market"),
    _trade("greengrocer", "grocery.fresh", "gss", "supermarket",
           "水果店 Fruit, 鲜果 Fresh Fruit, 蔬果 Fruit & Vegetables, 果园直供 Orchard Direct"),
    _trade("butcher", "grocery.fresh", "ss", "market",
           "鲜肉铺 Butcher, 土猪肉 Country Pork, 羊肉铺 Mutton"),
    _trade("fishmonger", "grocery.fresh", "sgl", "market",
           "水产 Fishmonger, 湖鲜 Lake Fish, 活鱼铺 Live Fish"),
    _trade("vegetables", "grocery.fresh", "gs", "market",
           "蔬菜摊 Vegetables, 豆制品 Tofu Stall, 菌菇 Mushrooms"),
    _trade("sweets", "grocery.bakery", "shhl", "craft",
           "糕团 Rice Cakes, 酥糖 Crisp Candy, 芡实糕 Foxnut Cake, 蜜饯 Candied Fruit, 糖坊 Sweets, "
           "糕点 Pastries"),
    _trade("tea_shop", "grocery.drinks", "hhsl", "shop",
           "茶庄 Tea Merchant, 茶叶 Fine Teas, 茗茶 Tea"),
    _trade("liquor", "grocery.drinks", "hhsl", "shop",
           "酒坊 Rice Wine Cellar, 名酒 Spirits, 黄酒铺 Yellow Wine, 烟酒 Tobacco & Liquor"),
    _trade("dried_goods", "grocery.fresh", "hsl", "shop",
           "南北干货 Dried Goods, 炒货 Roasted Nuts, 酱园 Soy & Pickles, 腊味 Cured Meat, "
           "特产 Local Produce"),
    _trade("variety", "shop.variety", "hhg", "shop",
           "日用百货 General Goods, 两元店 Two-Yuan Shop, 日用品 Household Goods"),
    _trade("kiosk", "shop.kiosk", "sgl", "parcel",
           "报刊亭 Newsstand, 烟草 Tobacco, 彩票 Lottery"),
    # Fashion
    _trade("clothes", "fashion.clothes", "ffffg", "shop",
           "女装 Womenswear, 服饰 Fashion, 男装 Menswear, 衣橱 Wardrobe, 时装 Apparel, 衣舍 Clothing"),
    _trade("silk", "fashion.clothes", "hhll", "craft",
           "丝绸 Silk, 旗袍 Qipao, 蓝印花布 Indigo Cloth, 绸庄 Silk House"),
    _trade("shoes", "fashion.shoes", "hfs", "shop",
           "鞋店 Shoes, 布鞋 Cloth Shoes, 皮鞋 Leather Shoes, 女鞋 Ladies' Shoes"),
    _trade("bags", "fashion.shoes", "ffh", "shop",
           "箱包 Bags & Luggage, 皮具 Leather Goods, 包袋 Handbags"),
    _trade("jewellery", "fashion.jewelry", "hhf", "shop",
           "珠宝 Jewellery, 银楼 Silversmith, 金店 Gold, 玉器 Jade"),
    _trade("children", "fashion.clothes", "ffg", "shop",
           "童装 Kidswear, 童鞋 Children's Shoes"),
    # Electronics and home
    _trade("electronics", "home.electronics", "hhs", "shop",
           "电器 Appliances, 数码 Digital, 影音 Audio & Video, 相机 Cameras"),
    _trade("mobile", "home.phone", "hsg", "shop",
           "手机 Mobile Phones, 通讯 Telecom, 手机维修 Phone Repair"),
    _trade("computer", "home.electronics", "hs", "shop",
           "电脑 Computers, 科技 Technology, 电脑维修 Computer Repair"),
    _trade("furniture", "home.furniture", "hff", "shop",
           "家具 Furniture, 家居 Home, 灯饰 Lighting, 红木 Rosewood"),
    _trade("homeware", "home.homeware", "hhff", "shop",
           "瓷器 Porcelain, 布艺 Soft Furnishings, 厨具 Kitchenware, 窗帘 Curtains"),
    _trade("pottery", "home.homeware", "hsll", "craft",
           "陶艺 Pottery, 紫砂壶 Teapots, 油灯坊 Lamps, 瓷器 Porcelain"),
    _trade("hardware", "home.hardware", "ssh", "workshop",
           "五金 Hardware, 水暖建材 Plumbing, 油漆 Paints, 锁具 Locks"),
    _trade("florist", "home.florist", "ffg", "cafe",
           "花店 Flowers, 花坊 Florist, 花房 Flower House"),
    # Culture, gifts and crafts
    _trade("books", "hobby.books", "ffhl", "books",
           "书店 Bookshop, 书屋 Book House, 旧书 Second-Hand Books, 书房 Reading Room"),
    _trade("stationery", "hobby.books", "ffhg", "student",
           "文具 Stationery, 文创 Creative Goods, 文房四宝 Brush & Ink"),
    _trade("gifts", "hobby.gifts", "llffg", "craft",
           "礼品 Gifts, 手信 Souvenirs, 杂货 Curios, 明信片 Postcards, 纪念品 Keepsakes"),
    _trade("crafts", "hobby.gifts", "shhsl", "craft",
           "竹编 Bamboo Weaving, 扇庄 Fans, 纸伞 Paper Umbrellas, 木雕 Woodcarving, "
           "剪纸 Paper-Cuts, 刺绣 Embroidery, 铜器 Copperware, 篆刻 Seal Carving, 漆器 Lacquerware, "
           "油灯坊 Lamps, 制笔 Brush Maker"),
    _trade("antiques", "shop.second_hand", "hhs", "craft",
           "古玩 Antiques, 旧物 Old Things, 字画 Scrolls & Paintings"),
    _trade("art", "culture.gallery", "ffh", "craft",
           "画廊 Gallery, 画室 Art Studio, 美术馆 Art House"),
    _trade("museum", "culture.museum", "lh", "museum",
           "扇子博物馆 Fan Museum, 民俗馆 Folk Museum, 纸伞陈列馆 Umbrella Museum, 茶文化馆 Tea Museum"),
    _trade("theatre", "culture.theatre", "lh", "museum",
           "书场 Storytelling Hall, 戏台 Opera Stage, 皮影戏 Shadow Theatre"),
    _trade("toys", "hobby.toys", "ffg", "shop",
           "玩具 Toys, 模型 Models, 潮玩 Collectibles"),
    _trade("music", "hobby.crafts", "ffh", "shop",
           "琴行 Instruments, 唱片 Records, 吉他 Guitars"),
    _trade("pets", "hobby.pets", "ffg", "shop",
           "宠物 Pets, 宠物医院 Vet, 猫舍 Cat House, 水族 Aquarium Fish"),
    # Health and beauty
    _trade("pharmacy", "health.pharmacy", "hhh", "pharmacy",
           "药房 Pharmacy, 大药房 Drugstore, 国药 Chinese Medicine"),
    _trade("drugstore", "health.drugstore", "hh", "shop",
           "参茸 Ginseng, 保健品 Health Products, 药材 Herbs"),
    _trade("clinic", "health.doctor", "shh", "clinic",
           "诊所 Clinic, 中医馆 Chinese Medicine Clinic, 门诊 Outpatients"),
    _trade("dentist", "health.doctor", "hhs", "clinic",
           "口腔 Dental, 牙科 Dentist"),
    _trade("optician", "health.optician", "hhf", "shop",
           "眼镜 Optician, 眼镜店 Eyewear"),
    _trade("hairdresser", "beauty.hairdresser", "fgggs", "hair",
           "理发店 Barber, 美发 Hair Salon, 发型设计 Hair Design, 造型 Hair Studio"),
    _trade("beauty", "beauty.salon", "ffg", "hair",
           "美容 Beauty, 美甲 Nails, 皮肤管理 Skin Care"),
    _trade("cosmetics", "beauty.cosmetics", "ff", "shop",
           "化妆品 Cosmetics, 美妆 Make-Up, 香氛 Perfume"),
    _trade("massage", "beauty.salon", "hhf", "late",
           "足浴 Foot Spa, 推拿 Massage, 养生馆 Wellness"),
    # Services
    _trade("bank", "services.bank", "l", "bank",
           "农商银行 Rural Bank, 储蓄所 Savings Office"),
    _trade("parcel", "services.post", "gs", "parcel",
           "快递代收 Parcel Point, 快递驿站 Parcel Station"),
    _trade("laundry", "services.repair", "ffg", "shop",
           "干洗 Dry Cleaning, 洗衣 Laundry, 自助洗衣 Launderette"),
    _trade("copyshop", "services.other", "hhfg", "student",
           "图文 Copy & Print, 打印复印 Copy Shop, 广告图文 Print Shop"),
    _trade("travel", "services.travel", "hhl", "office",
           "旅行社 Travel, 票务 Tickets, 旅游 Tours"),
    _trade("estate", "services.office", "hhh", "office",
           "房产 Estate Agent, 租房 Lettings, 置业 Property"),
    _trade("tailor", "services.repair", "ssg", "workshop",
           "裁缝铺 Tailor, 改衣 Alterations, 缝纫 Sewing"),
    _trade("photo", "services.other", "ff", "shop",
           "照相馆 Photo Studio, 摄影 Photography, 快照 Instant Photos"),
    _trade("car_repair", "mobility.vehicles", "ssh", "workshop",
           "汽修 Car Repair, 汽车美容 Car Care, 轮胎 Tyres"),
    _trade("bicycle", "hobby.sports", "sg", "workshop",
           "单车 Bicycles, 电动车 E-Bikes, 修车铺 Bike Repair"),
    _trade("rental", "mobility.rental", "hl", "office",
           "租车 Car Hire, 单车租赁 Bike Hire, 游船租赁 Boat Hire"),
    _trade("fuel", "mobility.fuel", "hl", "always",
           "加油站 Petrol Station"),
    # Whole houses
    _trade("mall", "shop.mall", "h", "mall", "商场 Shopping Centre, 百货大楼 Department Store"),
    _trade("market", "shop.market", "l", "market", "菜市场 Market Hall, 农贸市场 Farmers' Market"),
    # Lodging and leisure
    _trade("hotel", "stay.hotel", "hhl", "always",
           "酒店 Hotel, 宾馆 Hotel, 商务酒店 Business Hotel"),
    _trade("guest_house", "stay.guesthouse", "fffl", "always",
           "客栈 Inn, 民宿 Guest House, 小院 Courtyard House"),
    _trade("hostel", "stay.guesthouse", "ff", "always",
           "青年旅舍 Youth Hostel, 旅社 Hostel"),
    _trade("cinema", "culture.cinema", "fh", "cinema",
           "影城 Cinema, 影院 Pictures"),
    _trade("karaoke", "leisure.games", "ffh", "night",
           "KTV Karaoke Rooms, 量贩KTV Karaoke"),
    _trade("games", "leisure.games", "ff", "late",
           "桌游 Board Games, 电竞馆 E-Sports, 密室 Escape Room, 台球 Billiards"),
    _trade("gym", "leisure.sports", "fh", "sport",
           "健身 Fitness, 瑜伽 Yoga, 游泳健身 Swim & Gym"),
    _trade("sports", "hobby.sports", "hf", "shop",
           "体育用品 Sports, 户外 Outdoor, 渔具 Fishing Tackle"),
    _trade("school", "services.education", "hhf", "office",
           "外语 Language School, 艺术培训 Art School, 书法班 Calligraphy Classes, 驾校 Driving School"),
)  # fmt: skip

TRADES: dict[str, Trade] = {trade.key: trade for trade in _ALL}
