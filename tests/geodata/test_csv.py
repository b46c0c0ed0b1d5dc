from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from geo_offers.domain.errors import CategoryUnknown, FileFault
from geodata.crs import Crs, bd09_of_gcj02, gcj02_of_wgs84
from tests.geodata.reading import read
from tests.shared_data import shared

HEADER = "id,name,category,lng,lat\n"
GOOD = "1,Kaffe,cafe,24.94,60.17\n"


def table(folder: Path, text: str | bytes, name: str = "a.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def fault_of(path: Path, **changes) -> FileFault:
    with pytest.raises(FileFault) as fault:
        read(path, **changes)
    assert "\n" not in str(fault.value)
    assert len(str(fault.value)) < 300
    return fault.value


@pytest.mark.parametrize(
    "header",
    [
        "id,name,category,lng,lat,address,opening_hours,brand,name_en",
        "ID;Name;Category;Longitude;Latitude;Address;Opening Hours;Brand;name:en",
        "编号\t店名\t类别\t经度\t纬度\t地址\t营业时间\t品牌\tname_en",
        "番号,店舗名,カテゴリ,経度,緯度,住所,営業時間,ブランド,NAME_EN".replace("NAME_EN", "name_en"),
        "id,title,type,x,y,addr,hours,brand,name_en",
    ],
)
def test_columns_are_guessed_from_their_headers_in_three_languages(tmp_path, header):
    mark = next(mark for mark in "\t;," if mark in header)
    row = mark.join(["7", "茶馆", "咖啡厅", "116.4", "39.9", "西街1号", "24/7", "Tea", "Teahouse"])
    (shop,), _ = read(table(tmp_path, f"{header}\n{row}\n"))
    assert (shop.source.id, shop.name, shop.category, shop.names) == (
        "7",
        "茶馆",
        "food.cafe",
        {"en": "Teahouse"},
    )
    assert (shop.at.lng, shop.at.lat, shop.address) == (116.4, 39.9, "西街1号")
    assert (shop.opening_hours, shop.brand) == ("24/7", "Tea")


def test_columns_can_be_told_by_header_or_by_number(tmp_path):
    path = table(tmp_path, "a,b,c,d,e\nKaffe,24.94,60.17,Kahvi,cafe\n")
    told = {"name": "A", "lng": "2", "lat": "c", "name_fi": "d", "category": "e"}
    (shop,), _ = read(path, columns=told)
    assert (shop.name, shop.at.lng, shop.at.lat, shop.names) == ("Kaffe", 24.94, 60.17, {"fi": "Kahvi"})


@pytest.mark.parametrize(
    ("told", "word"),
    [
        ({"name": "zzz"}, "no column 'zzz'"),
        ({"colour": "id"}, "'colour' is not a field"),
        ({"lng": "9"}, "'9'"),
    ],
)
def test_a_column_that_is_told_wrong_is_refused(tmp_path, told, word):
    assert word in str(fault_of(table(tmp_path, HEADER + GOOD), columns=told))


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (
            "name,category,lng,lat,lng",
            "2 columns for lng: 'lng' (number 3) and 'lng' (number 5); say which one, ",
        ),
        ("name,category,lng,lat,Longitude", "'lng' (number 3) and 'Longitude' (number 5)"),
        ("name,category,x,y,lat", "2 columns for lat: 'y' (number 4) and 'lat' (number 5)"),
        ("name,category,lng,lat,Name", "2 columns for name: 'name' (number 1) and 'Name' (number 5)"),
        ("name,category,lng,lat,category", "2 columns for category"),
        ("name,category,lng,lat,name_en,name:en", "2 columns for name_en"),
    ],
)
def test_two_columns_for_one_field_are_refused_by_name(tmp_path, header, words):
    fault = fault_of(table(tmp_path, header + "\n" + "1," * header.count(",") + "1\n"))
    assert words in str(fault)
    assert fault.place == "line 1"


def test_of_two_columns_for_one_field_the_one_that_is_told_counts(tmp_path):
    path = table(tmp_path, "name,category,lng,lat,lng,name_en,name_en\nA,cafe,1,2,3,B,C\n")
    (shop,), _ = read(path, columns={"lng": "5", "name_en": "6"})
    assert (shop.at.lng, shop.names) == (3.0, {"en": "B"})
    assert "'lng' (number 3) and 'lng' (number 5)" in str(
        fault_of(path, columns={"lng": "lng", "name_en": "7"})
    )


def test_of_several_headers_for_one_field_the_surest_is_taken(tmp_path):
    path = table(tmp_path, "cuisine,type,category,title,name,lng,lat\nsushi,shop,cafe,T,N,1,1\n")
    (shop,), _ = read(path)
    assert (shop.name, shop.category) == ("N", "food.cafe")


def test_categories_may_be_leaves_osm_words_and_common_words_in_chinese_and_japanese(tmp_path):
    words = ["food.cafe", "amenity=cafe", "cafe", "咖啡店", "喫茶店", "ＣＡＦＥ", "餐饮服务;咖啡厅"]
    rows = "".join(f"{i},N,{word},1,1\n" for i, word in enumerate(words))
    shops, report = read(table(tmp_path, HEADER + rows))
    assert [shop.category for shop in shops] == ["food.cafe"] * len(words)
    assert report.noted.total() == 0


def test_a_category_of_ones_own_goes_before_all_and_the_default_comes_last(tmp_path):
    path = table(tmp_path, HEADER + "1,A,咖啡店,1,1\n2,B,Zauberladen,1,1\n3,C,,1,1\n")
    shops, report = read(path, category_words={"咖啡店": "food.restaurant"}, category="food.bar")
    assert [shop.category for shop in shops] == ["food.restaurant", "food.bar", "food.bar"]
    assert report.noted == {"category 'Zauberladen' is not known": 1}
    assert read(path)[1].skipped == {"no category": 2}


def test_a_category_that_our_tree_does_not_have_is_refused(tmp_path):
    with pytest.raises(CategoryUnknown):
        read(table(tmp_path, HEADER + GOOD), category_words={"x": "food.nonsense"})


@pytest.mark.parametrize(
    ("encoding", "told"),
    [
        ("utf-8", None), ("utf-8-sig", None), ("utf-16", None), ("utf-16-le", "utf-16-le"),
        ("gb18030", "gb18030"), ("cp932", "cp932"), ("big5", "big5"),
    ],
)  # fmt: skip
def test_encodings_are_known_by_their_mark_or_told(tmp_path, encoding, told):
    path = table(tmp_path, (HEADER + "1,中文,cafe,1,1\n").encode(encoding))
    assert read(path, encoding=told)[0][0].name == "中文"


def test_another_encoding_is_refused_with_its_line_and_a_way_out(tmp_path):
    path = table(tmp_path, (HEADER + GOOD * 3_000 + "2,珈琲,cafe,1,1\n").encode("cp932"))
    fault = fault_of(path)
    assert "is not in utf-8; try --encoding cp932" in str(fault)
    assert fault.place == "line 3002"
    assert "is not an encoding" in str(fault_of(path, encoding="klingon"))
    assert "is not in ascii" in str(fault_of(path, encoding="ascii"))


@pytest.mark.parametrize("crs", [Crs.GCJ02, Crs.BD09])
def test_shifted_coordinates_become_wgs84(tmp_path, crs):
    lng, lat = gcj02_of_wgs84(116.3912, 39.9062)
    if crs is Crs.BD09:
        lng, lat = bd09_of_gcj02(lng, lat)
    (shop,), _ = read(table(tmp_path, HEADER + f"1,A,cafe,{lng},{lat}\n"), crs=crs)
    assert (shop.at.lng, shop.at.lat) == pytest.approx((116.3912, 39.9062), abs=1e-7)


def test_rows_without_name_or_coordinates_are_skipped_and_counted(tmp_path):
    path = table(tmp_path, HEADER + GOOD + "2, ,cafe,1,1\n\n3,A,cafe,,1\n4,A,cafe,1, \n5,A,,1,1\n")
    shops, report = read(path)
    assert [shop.source.id for shop in shops] == ["1"]
    assert report.read == 5
    assert report.skipped == {"no name": 1, "coordinates missing": 2, "no category": 1}
    assert report.first_skipped == {
        "no name": "line 3",
        "coordinates missing": "line 5",
        "no category": "line 7",
    }


def test_rows_without_an_id_are_known_by_name_and_place(tmp_path):
    text = "name,category,lng,lat\nA,cafe,1,1\nB,cafe,1,1\nA,cafe,1,1.001\nA,cafe,1.0,1.00\n"
    ids = [shop.id for shop in read(table(tmp_path, text))[0]]
    assert len(set(ids)) == 3
    assert ids[0] == ids[3]


def test_line_breaks_in_quoted_fields_are_blanks_and_lines_are_still_counted_right(tmp_path):
    path = table(tmp_path, HEADER + '1,"Kaffe\nund\tKuchen",cafe,1,1\n2,B,cafe,1,91\n')
    assert fault_of(path).place == "line 4"
    assert read(path, skip_bad_rows=True)[0][0].name == "Kaffe und Kuchen"


@pytest.mark.parametrize(
    ("row", "word", "reason"),
    [
        ("2,A,cafe,1,91", "lat 91.0 is outside -90 to 90; are lng and lat swapped?", "faulty coordinates"),
        ("2,A,cafe,31.2,121.5", "are lng and lat swapped?", "faulty coordinates"),
        ("2,A,cafe,nan,1", "finite", "faulty coordinates"),
        ("2,A,cafe,1,inf", "finite", "faulty coordinates"),
        ("2,A,cafe,181,1", "outside -180 to 180", "faulty coordinates"),
        ("2,A,cafe,east,1", "'east' is not a number", "faulty coordinates"),
        ("2,A,cafe,١٣٩,1", "'١٣٩' is not a number", "faulty coordinates"),
        ("2,A,cafe,１３９．７,1", "'１３９．７' is not a number", "faulty coordinates"),
        ("2,A,cafe,1_0,1", "'1_0' is not a number", "faulty coordinates"),
        ('2,A,cafe,"139,7",1', "write 139.7", "faulty coordinates"),
        ("2,A,cafe,1", "4 fields, the header 5", "faulty row"),
        ("2,A,cafe,1,1,1", "6 fields, the header 5", "faulty row"),
        ("2,a\x00b,cafe,1,1", "U+0000", "text refused"),
        ("2,a\u202eb,cafe,1,1", "U+202E", "text refused"),
        ("2,a\u2066b,cafe,1,1", "U+2066", "text refused"),
        ("2\x00,A,cafe,1,1", "U+0000", "text refused"),
        ("2," + "x" * 600 + ",cafe,1,1", "600 characters", "text refused"),
    ],
)
def test_a_faulty_row_refuses_the_file_with_its_line_or_is_counted_when_asked(tmp_path, row, word, reason):
    path = table(tmp_path, HEADER + GOOD + row + "\n" + "3,B,cafe,1,1\n")
    fault = fault_of(path)
    assert word in str(fault)
    assert fault.place == "line 3"
    shops, report = read(path, skip_bad_rows=True)
    assert [shop.source.id for shop in shops] == ["1", "3"]
    assert report.skipped == {reason: 1}


@pytest.mark.parametrize(
    ("text", "word", "place"),
    [
        ("", "is empty", None),
        ("\n", "has no header", "line 1"),
        (HEADER, "it has no rows", None),
        ("id,name\n1,A\n", "no column for lng and lat among 'id', 'name'; say which", "line 1"),
        ("a,b,c\n1,2,3\n", "no column for name and lng and lat", "line 1"),
        (HEADER + GOOD + '2,"A,cafe,1,1\n3,B,cafe,1,1\n', "a quote is opened and never closed", "line 3"),
        (HEADER + '1,"A"B,cafe,1,1\n', "expected after", "line 2"),
        (HEADER + GOOD + "2," + "x" * 10_000_000 + ",cafe,1,1\n", "more than 131,072 characters", "line 3"),
        ((HEADER + GOOD).encode("utf-16-le"), "--encoding utf-16-le", "line 1"),
        (HEADER + "1,,cafe,1,1\n", "there is no shop", None),
    ],
)
def test_what_is_no_table_of_shops_is_refused_with_its_place(tmp_path, text, word, place):
    fault = fault_of(table(tmp_path, text))
    assert word in str(fault)
    assert fault.place == place


def test_a_gzipped_table_is_read_and_a_cut_one_refused(tmp_path):
    whole = gzip.compress((HEADER + GOOD).encode())
    assert len(read(table(tmp_path, whole, "a.csv.gz"))[0]) == 1
    assert "ends in the middle" in str(fault_of(table(tmp_path, whole[:-4], "b.csv.gz")))


def test_the_merchants_of_yamanashi_are_read_but_for_56_without_coordinates():
    shops, report = read(shared("poi/yamanashi_gotoeat_merchants.csv.gz"), category="food.restaurant")
    assert report.read == 2_139
    assert report.skipped == {"coordinates missing": 56}
    assert len(shops) == 2_083
    assert report.noted == {"category 'その他' is not known": 415}
    assert report.kept["food.cafe"] == 77
    assert {(shop.country, shop.time_zone) for shop in shops} == {("JP", "Asia/Tokyo")}


def test_a_table_of_brands_is_no_table_of_shops():
    fault = fault_of(shared("poi/brands_east_asia_and_global.csv.gz"))
    assert "no column for lng and lat" in str(fault)
