"""Words of the sample town in Chinese and English, and the traditional forms of the simplified ones."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """One name in simplified Chinese and English."""

    zh: str
    en: str


def names_of(words: Words) -> dict[str, str]:
    """The name by BCP 47 tag: zh-Hans, zh-Hant, en."""
    return {"zh-Hans": words.zh, "zh-Hant": traditional(words.zh), "en": words.en}


def traditional(simplified: str) -> str:
    """The text in traditional characters, right for the words of this town, not for any Chinese text."""
    for phrase, written in _PHRASES:
        simplified = simplified.replace(phrase, written)
    return simplified.translate(_CHARACTERS)


def read_words(lines: str) -> tuple[Words, ...]:
    """Words from text such as "银杏 Yinxing, 听雨 Tingyu": Chinese up to the first blank, then English."""
    pairs = (entry.strip().split(" ", 1) for entry in lines.replace("\n", " ").split(",") if entry.strip())
    return tuple(Words(zh, en) for zh, en in pairs)


# Where one simplified character stands for several traditional ones, the word decides.
_PHRASES = (
    ("理发", "理髮"),
    ("美发", "美髮"),
    ("发型", "髮型"),
    ("面馆", "麵館"),
    ("面庄", "麵莊"),
    ("拉面", "拉麵"),
    ("汤面", "湯麵"),
    ("小面", "小麵"),
    ("面渡", "麵渡"),
    ("牛肉面", "牛肉麵"),
    ("面包", "麵包"),
    ("雾里", "霧裡"),
    ("东升", "東昇"),
    ("台球", "檯球"),
    ("饭团", "飯糰"),
    ("糕团", "糕糰"),
    ("旅游", "旅遊"),
    ("桌游", "桌遊"),
)
_SIMPLIFIED = (
    "万与业东丝两严丰丽义乐乡书云产仓价伞体储兰兴养军农冲刘创制务动医华单卖卤厅厨参双发台叶号吕"
    "听启吴团园国图场声壶复头妆学宝实宠宫宾层帘带干广庄庆庙张强归当恒戏户折报摄摇摊数旧时术机杂"
    "条来杨枫柠栈档桥梦楼橱橹欢汉汤浆浇济涛润渔满滨澜灯点烟烧烫猪猫环电画盐盖盘码砚礼竞笔笼筝简"
    "红纪纫纸织结绣维绸绿编缝肤脑腊艺芦苇苍苏荟荣药莲萤葱蓝蔷虾装见计训讯记许设诊语调谊谐谢货贩"
    "贴贸贾赁车转轮边运远递邹邻酱酿采钟钱铁铃铜银铺锁锅锣锦镇镜长门阁阳陆陈雾霁韦页顺顾风饨饭饮"
    "饯饰饼馄馆马驾驿鱼鲁鲜鲤鲸鸡鸢鸣鸿鹭麦黄齐龙"
)
_TRADITIONAL = (
    "萬與業東絲兩嚴豐麗義樂鄉書雲產倉價傘體儲蘭興養軍農衝劉創製務動醫華單賣滷廳廚參雙發臺葉號呂"
    "聽啟吳團園國圖場聲壺複頭妝學寶實寵宮賓層簾帶乾廣莊慶廟張強歸當恆戲戶摺報攝搖攤數舊時術機雜"
    "條來楊楓檸棧檔橋夢樓櫥櫓歡漢湯漿澆濟濤潤漁滿濱瀾燈點煙燒燙豬貓環電畫鹽蓋盤碼硯禮競筆籠箏簡"
    "紅紀紉紙織結繡維綢綠編縫膚腦臘藝蘆葦蒼蘇薈榮藥蓮螢蔥藍薔蝦裝見計訓訊記許設診語調誼諧謝貨販"
    "貼貿賈賃車轉輪邊運遠遞鄒鄰醬釀採鐘錢鐵鈴銅銀鋪鎖鍋鑼錦鎮鏡長門閣陽陸陳霧霽韋頁順顧風飩飯飲"
    "餞飾餅餛館馬駕驛魚魯鮮鯉鯨雞鳶鳴鴻鷺麥黃齊龍"
)
_CHARACTERS = str.maketrans(_SIMPLIFIED, _TRADITIONAL)

STREET_WORDS = read_words("""
银杏 Yinxing, 听雨 Tingyu, 望鹭 Wanglu, 柳絮 Liuxu, 青石 Qingshi, 竹影 Zhuying, 石榴 Shiliu, 桂子 Guizi,
木樨 Muxi, 书香 Shuxiang, 砚池 Yanchi, 墨香 Moxiang, 菱角 Lingjiao, 莲塘 Liantang, 荻花 Dihua,
蓼汀 Liaoting, 芦苇 Luwei, 白鹭 Bailu, 燕子 Yanzi, 画眉 Huamei, 锦鲤 Jinli, 渔火 Yuhuo, 晚钟 Wanzhong,
晨曦 Chenxi, 朝霞 Zhaoxia, 明月 Mingyue, 星河 Xinghe, 流萤 Liuying, 清风 Qingfeng, 春水 Chunshui,
夏荷 Xiahe, 秋枫 Qiufeng, 冬梅 Dongmei, 红豆 Hongdou, 梧桐 Wutong, 香樟 Xiangzhang, 合欢 Hehuan,
紫藤 Ziteng, 玉兰 Yulan, 海棠 Haitang, 蔷薇 Qiangwei, 杜若 Duruo, 芳草 Fangcao, 苍苔 Cangtai, 云帆 Yunfan,
远帆 Yuanfan, 归舟 Guizhou, 码头 Matou, 水门 Shuimen, 盐仓 Yancang, 米市 Mishi, 布市 Bushi, 染坊 Ranfang,
铁匠 Tiejiang, 酱园 Jiangyuan, 油坊 Youfang, 茶亭 Chating, 灯笼 Denglong, 绣坊 Xiufang, 纸坊 Zhifang,
锣鼓 Luogu, 文昌阁 Wenchangge, 魁星 Kuixing, 学宫 Xuegong, 琴台 Qintai, 棋盘 Qipan, 鼓楼 Gulou,
井亭 Jingting, 三井 Sanjing, 双桥 Shuangqiao, 半月 Banyue, 月牙 Yueya, 长堤 Changdi, 平湖 Pinghu,
创新 Chuangxin, 科技 Keji, 未来 Weilai, 启明 Qiming, 远景 Yuanjing, 和谐 Hexie, 迎宾 Yingbin, 友谊 Youyi,
团结 Tuanjie, 勤业 Qinye, 兴业 Xingye, 致远 Zhiyuan, 明德 Mingde, 博雅 Boya, 知行 Zhixing, 求真 Qiuzhen,
弘文 Hongwen, 思齐 Siqi, 沐风 Mufeng, 朗月 Langyue, 晴川 Qingchuan, 云溪 Yunxi, 松涛 Songtao,
兰舟 Lanzhou, 丹青 Danqing, 翠屏 Cuiping, 玉带 Yudai, 金穗 Jinsui, 麦浪 Mailang, 稻香 Daoxiang,
桑园 Sangyuan, 果园 Guoyuan, 采莲 Cailian, 摇橹 Yaolu, 织锦 Zhijin, 花灯 Huadeng, 风筝 Fengzheng,
纸鸢 Kite, 枕水 Zhenshui, 听潮 Tingchao
""")

SUFFIX_OF_KIND = {
    "avenue": (Words("大道", "Avenue"),),
    "street": (Words("路", "Road"), Words("路", "Road"), Words("街", "Street")),
    "pedestrian": (Words("步行街", "Walk"),),
    "lane": (Words("巷", "Lane"), Words("巷", "Lane"), Words("弄", "Alley"), Words("街", "Street")),
}

SURNAMES = read_words("""
周 Zhou, 陈 Chen, 林 Lin, 沈 Shen, 顾 Gu, 陆 Lu, 钱 Qian, 吴 Wu, 许 Xu, 何 He, 吕 Lü, 施 Shi, 张 Zhang,
曹 Cao, 严 Yan, 金 Jin, 魏 Wei, 陶 Tao, 姜 Jiang, 戚 Qi, 谢 Xie, 邹 Zou, 柏 Bai, 章 Zhang, 苏 Su, 潘 Pan,
葛 Ge, 范 Fan, 彭 Peng, 鲁 Lu, 韦 Wei, 马 Ma, 方 Fang, 俞 Yu, 袁 Yuan, 丁 Ding, 梅 Mei, 董 Dong, 杜 Du,
蓝 Lan, 席 Xi, 季 Ji, 贾 Jia, 江 Jiang, 郭 Guo
""")

GIVEN_NAMES = read_words("""
阿珍 A-Zhen, 阿福 A-Fu, 阿明 A-Ming, 阿婆 Granny, 小芳 Xiaofang, 小敏 Xiaomin, 丽丽 Lili, 婷婷 Tingting,
阿强 A-Qiang, 大刘 Big Liu, 老杨 Old Yang, 胖哥 Brother Pang, 三姐 Third Sister, 二叔 Second Uncle,
阿娟 A-Juan, 小军 Xiaojun, 阿根 A-Gen, 外婆 Grandma, 秀英 Xiuying, 建国 Jianguo
""")

HOUSES = read_words("""
和兴 Hexing, 德润 Derun, 永裕 Yongyu, 裕丰 Yufeng, 万和 Wanhe, 瑞祥 Ruixiang, 恒泰 Hengtai, 同春 Tongchun,
福源 Fuyuan, 聚宝 Jubao, 天顺 Tianshun, 广益 Guangyi, 宝成 Baocheng, 义和 Yihe, 长庆 Changqing,
隆昌 Longchang, 正源 Zhengyuan, 大有 Dayou, 百福 Baifu, 仁济 Renji, 顺发 Shunfa, 鸿运 Hongyun,
金源 Jinyuan, 兴旺 Xingwang, 吉祥 Jixiang, 如意 Ruyi, 安康 Ankang, 康泰 Kangtai, 四海 Sihai,
东升 Dongsheng, 荣华 Ronghua, 嘉禾 Jiahe, 盛源 Shengyuan, 信义 Xinyi
""")

FANCIES = read_words("""
半山 Half Hill, 拾光 Found Time, 春野 Spring Field, 云朵 Little Cloud, 不晚 Never Late, 南枝 South Branch,
小满 Xiaoman, 青柠 Green Lime, 橘子 Tangerine, 海盐 Sea Salt, 月白 Moon White, 鲸落 Whale Fall,
野渡 Wild Ferry, 白日梦 Daydream, 一隅 The Corner, 浮生 Floating Life, 麋鹿 Elk, 橡果 Acorn,
木马 Wooden Horse, 纸船 Paper Boat, 蓝调 Blue Note, 夏至 Midsummer, 风铃 Wind Bell, 鹿角 Antler,
雾里 In the Mist, 慢慢 Slowly, 有风 Breeze, 星期八 Eighth Day, 猫与鱼 Cat & Fish, 今朝 Today,
光年 Light Year, 梨花 Pear Blossom, 灯塔 Lighthouse, 泡沫 Foam, 折纸 Origami, 四月 April, 暖阳 Warm Sun,
墨色 Ink, 漫步 Stroll, 七号 No. 7, 转角 Round the Corner, 晴天 Clear Day, 绿洲 Oasis, 星野 Star Field,
知更 Robin
""")

LOCALS = read_words("""
汀鹭 Tinglu, 鹭桥 Heron Bridge, 霁川 Jichuan, 古镇 Old Town, 水乡 Water Town, 北岸 North Bank,
南岸 South Bank, 河畔 Riverside, 老城 Old City, 桥头 Bridgehead, 渡口 Ferry, 东门 East Gate,
西门 West Gate
""")
