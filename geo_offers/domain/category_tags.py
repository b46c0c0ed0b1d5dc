"""Which OSM tags stand for which leaf of the category tree, as a table; choosing among several is not here.

Values as in the OSM wiki and in real extracts, misspelt ones that are common included. What is no merchant
(benches, post boxes, schools, hospitals, offices without customers, vending machines) is not listed.
"""

from __future__ import annotations

# leaf: OSM key: values, separated by blanks
TAG_ROWS: dict[str, dict[str, str]] = {
    "food.restaurant": {"amenity": "restaurant"},
    "food.cafe": {"amenity": "cafe", "shop": "cafe"},
    "food.fast_food": {"amenity": "fast_food food_court canteen", "shop": "fast_food takeaway"},
    "food.bar": {"amenity": "bar pub biergarten hookah_lounge izakaya"},
    "food.dessert": {"amenity": "ice_cream", "shop": "ice_cream bubble_tea dessert"},
    "grocery.supermarket": {"shop": "supermarket hypermarket wholesale cash_and_carry"},
    "grocery.convenience": {"shop": "convenience grocery food rural_general general"},
    "grocery.bakery": {
        "shop": "bakery pastry confectionery chocolate cake sweets candy nuts",
        "craft": "bakery confectionery pastry",
    },
    "grocery.fresh": {
        "shop": (
            "butcher greengrocer seafood fish fishmonger cheese dairy deli farm pasta frozen_food "
            "spices tofu vegetables fruit meat eggs honey rice organic"
        ),
        "craft": "butcher",
    },
    "grocery.drinks": {
        "shop": "alcohol wine beverages tea coffee coffee_beans brewing_supplies water winery spirits beer",
        "craft": "brewery winery distillery coffee_roaster tea_processing",
    },
    "shop.mall": {"shop": "mall department_store shopping_centre outlet"},
    "shop.variety": {"shop": "variety_store discount party pound_shop"},
    "shop.kiosk": {"shop": "kiosk newsagent tobacco e-cigarette lottery cannabis betel_nut"},
    "shop.market": {"amenity": "marketplace", "shop": "market"},
    "shop.second_hand": {"shop": "second_hand antiques charity pawnbroker junk flea_market"},
    "shop.other": {"shop": "yes"},
    "fashion.clothes": {
        "shop": (
            "clothes boutique fashion fashion_accessories hat hats fur lingerie underwear wedding "
            "costume clothing kimono uniform"
        ),
    },
    "fashion.shoes": {"shop": "shoes bag bags handbags leather luggage suitcases"},
    "fashion.jewelry": {
        "shop": "jewelry jewellery watches gold gems clock pearls",
        "craft": "jeweller goldsmith watchmaker clockmaker",
    },
    "beauty.cosmetics": {"shop": "cosmetics perfumery"},
    "beauty.hairdresser": {"shop": "hairdresser barber hairdresser_supply wigs", "craft": "hairdresser"},
    "beauty.salon": {
        "shop": "beauty beauty_salon nails nailstudio massage tattoo piercing spa tanning waxing sauna",
        "amenity": "public_bath spa sauna massage",
        "leisure": "sauna spa tanning_salon",
        "craft": "beautician",
    },
    "health.pharmacy": {"amenity": "pharmacy", "shop": "pharmacy", "healthcare": "pharmacy"},
    "health.drugstore": {
        "shop": (
            "chemist drugstore health_food health medical_supply nutrition_supplements herbalist orthopedics"
        ),
    },
    "health.optician": {
        "shop": "optician hearing_aids eyewear",
        "craft": "optician",
        "healthcare": "optometrist audiologist",
    },
    "health.doctor": {
        "amenity": "doctors dentist clinic",
        "office": "physician therapist",
        "healthcare": (
            "doctor dentist clinic centre physiotherapist alternative psychotherapist podiatrist "
            "midwife counselling speech_therapist occupational_therapist laboratory sample_collection "
            "nutrition_counselling"
        ),
    },
    "home.furniture": {
        "shop": "furniture bed kitchen bathroom_furnishing mattress",
        "craft": "cabinet_maker",
    },
    "home.homeware": {
        "shop": (
            "interior_decoration houseware curtain carpet cookware candles lighting household_linen "
            "pottery window_blind flooring home_decor crockery fireplace household"
        ),
    },
    "home.hardware": {
        "shop": (
            "hardware doityourself paint electrical tiles power_tools tool_hire trade "
            "building_materials glaziery bathroom doors windows agrarian gas energy plumbing "
            "groundskeeping locks security pump swimming_pool"
        ),
    },
    "home.florist": {"shop": "florist garden_centre garden_furniture flowers plants", "craft": "floristry"},
    "home.electronics": {
        "shop": (
            "electronics computer hifi appliance appliances camera vacuum_cleaner printer_ink "
            "radiotechnics electronic_parts robot white_goods"
        ),
    },
    "home.phone": {
        "shop": "mobile_phone mobile_phone_accessories telecommunication",
        "office": "telecommunication",
    },
    "hobby.books": {"shop": "books stationery comics magazines office_supplies maps"},
    "hobby.gifts": {"shop": "gift souvenir souvenirs handicraft handicrafts religion fireworks balloon"},
    "hobby.toys": {"shop": "toys baby_goods games video_games model anime collector trading_cards"},
    "hobby.sports": {
        "shop": (
            "sports outdoor bicycle fishing hunting weapons guns ski scuba_diving surf golf swimwear "
            "horse equestrian military_surplus knives camping tent"
        ),
    },
    "hobby.crafts": {
        "shop": (
            "music musical_instrument records video video_rental craft fabric sewing wool "
            "haberdashery art_supplies artist"
        ),
        "craft": "musical_instrument",
    },
    "hobby.pets": {
        "shop": "pet pet_grooming pet_food aquarium veterinary",
        "amenity": "veterinary animal_boarding animal_training",
    },
    "culture.museum": {"tourism": "museum", "amenity": "planetarium museum"},
    "culture.gallery": {"tourism": "gallery", "shop": "art frame gallery", "amenity": "gallery"},
    "culture.theatre": {
        "amenity": (
            "theatre arts_centre concert_hall music_venue events_venue conference_centre exhibition_centre"
        ),
    },
    "culture.cinema": {"amenity": "cinema"},
    "culture.library": {"amenity": "library"},
    "culture.attraction": {
        "tourism": "attraction theme_park zoo aquarium",
        "leisure": "water_park beach_resort",
    },
    "leisure.nightclub": {"amenity": "nightclub stripclub dancing_hall"},
    "leisure.games": {
        "amenity": "karaoke_box casino internet_cafe gambling",
        "shop": "bookmaker betting",
        "leisure": (
            "bowling_alley amusement_arcade adult_gaming_centre escape_game indoor_play "
            "trampoline_park miniature_golf billiards"
        ),
    },
    "leisure.sports": {
        "leisure": (
            "fitness_centre sports_centre golf_course ice_rink stadium dance horse_riding sports_hall "
            "disc_golf_course"
        ),
        "amenity": "gym dojo",
    },
    "stay.hotel": {"tourism": "hotel motel", "amenity": "love_hotel hotel", "leisure": "resort"},
    "stay.guesthouse": {
        "tourism": (
            "hostel guest_house apartment chalet camp_site caravan_site alpine_hut bed_and_breakfast"
        ),
    },
    "services.bank": {
        "amenity": "bank bureau_de_change money_transfer",
        "shop": "money_lender bank",
        "office": "bank",
    },
    "services.atm": {"amenity": "atm payment_terminal"},
    "services.post": {
        "amenity": "post_office parcel_locker post_depot",
        "shop": "outpost parcel post_office",
        "office": "courier",
    },
    "services.repair": {
        "shop": "laundry dry_cleaning tailor shoe_repair repair locksmith shoemaker key_cutter",
        "amenity": "laundry",
        "craft": (
            "tailor shoemaker dressmaker electronics_repair key_cutter locksmith upholsterer "
            "shoe_repair computer_repair cleaning laundry"
        ),
    },
    "services.travel": {
        "shop": "travel_agency ticket",
        "office": "travel_agent guide",
        "amenity": "ticket tickets",
        "information": "office visitor_centre",
    },
    "services.office": {
        "shop": "insurance estate_agent financial",
        "office": (
            "lawyer insurance estate_agent accountant tax_advisor financial financial_advisor notary "
            "architect employment_agency consulting coworking advertising_agency graphic_design "
            "web_design property_management surveyor translator engineer it private_investigator"
        ),
        "amenity": "coworking_space",
    },
    "services.education": {
        "amenity": (
            "language_school driving_school music_school prep_school dancing_school cooking_school "
            "training art_school surf_school ski_school"
        ),
        "office": "tutoring",
    },
    "services.other": {
        "shop": (
            "copyshop photo photo_studio photographer printing funeral_directors storage_rental "
            "rental party_hire storage catering fortune_teller"
        ),
        "amenity": "childcare luggage_locker photo_booth funeral_hall",
        "office": "moving_company security logistics",
        "craft": "yes",
    },
    "mobility.fuel": {"amenity": "fuel", "shop": "fuel"},
    "mobility.charging": {"amenity": "charging_station battery_swap_station"},
    "mobility.parking": {"amenity": "parking motorcycle_parking"},
    "mobility.rental": {
        "amenity": (
            "car_rental car_sharing bicycle_rental motorcycle_rental scooter_rental "
            "kick-scooter_rental boat_rental boat_sharing taxi"
        ),
        "shop": "car_rental bicycle_rental",
    },
    "mobility.vehicles": {
        "shop": (
            "car car_repair car_parts tyres motorcycle motorcycle_repair truck truck_repair boat "
            "caravan trailer scooter motorcycle_parts atv snowmobile aircraft car_wash"
        ),
        "amenity": "car_wash vehicle_inspection",
        "craft": "car_repair boatbuilder car_painter",
    },
}
