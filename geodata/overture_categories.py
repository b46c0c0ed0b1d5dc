"""Category words of Overture Maps places, each with the OSM tag that means the same; data, no code."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

# An OSM tag, then the Overture words for it. A word that ends in _restaurant needs no line here.
_WORDS = """
amenity=restaurant restaurant eat_and_drink diner bistro brasserie buffet_restaurant steakhouse gastropub
  noodles_restaurant food_court soup_restaurant sushi_restaurant dim_sum_restaurant food
amenity=fast_food fast_food_restaurant burger_restaurant chicken_restaurant sandwich_shop food_truck
  food_stand hot_dog_restaurant taco_restaurant fish_and_chips_restaurant falafel_restaurant kebab_shop
  delicatessen pizza_delivery_service
amenity=cafe cafe coffee_shop tea_room internet_cafe
shop=coffee coffee_roastery
shop=tea tea_store
shop=bubble_tea bubble_tea
amenity=ice_cream ice_cream_shop frozen_yoghurt_shop gelato
amenity=bar bar cocktail_bar wine_bar lounge sake_bar beer_bar sports_bar hookah_bar smoothie_juice_bar
amenity=pub pub irish_pub beer_garden brewery
amenity=nightclub dance_club night_club
amenity=karaoke_box karaoke
shop=bakery bakery
shop=pastry desserts patisserie_cake_shop cupcake_shop donuts
shop=confectionery candy_store chocolatier
shop=convenience convenience_store
shop=supermarket supermarket grocery_store international_grocery_store organic_grocery_store
  asian_grocery_store
shop=greengrocer fruits_and_vegetables farmers_market
shop=butcher butcher_shop meat_shop
shop=seafood seafood_market fish_market
shop=cheese cheese_shop
shop=deli specialty_grocery_store health_food_store
shop=alcohol liquor_store wine_shop beer_wine_and_spirits
shop=tobacco tobacco_shop vape_shop
shop=mall shopping_center shopping shopping_mall
shop=department_store department_store
shop=variety_store discount_store variety_store dollar_store
shop=clothes clothing_store womens_clothing_store mens_clothing_store childrens_clothing_store fashion
  boutique lingerie_store bridal_shop fashion_accessories_store sporting_goods_clothing denim_wear_store
shop=second_hand thrift_store second_hand_store used_vintage_and_consignment
shop=shoes shoe_store
shop=bag luggage_store leather_goods handbag_stores
shop=jewelry jewelry_store
shop=watches watch_store
shop=optician eyewear_and_optician optical
shop=cosmetics cosmetic_and_beauty_supplies perfume_store
shop=chemist drugstore
shop=electronics electronics appliance_store audio_visual_equipment_store
shop=mobile_phone mobile_phone_store
shop=computer computer_store it_service_and_computer_repair
shop=furniture furniture_store home_goods_store mattress_store
shop=interior_decoration home_decor lighting_store
shop=hardware hardware_store
shop=doityourself home_improvement_store
shop=paint paint_store
shop=garden_centre nursery_and_gardening
shop=books bookstore comic_books_store used_bookstore
shop=stationery office_equipment stationery_store cards_and_stationery_store
shop=toys toy_store hobby_shop
shop=gift gift_shop souvenir_shop
shop=art art_gallery arts_and_crafts
shop=craft art_supply_store fabric_store
shop=music music_and_dvd_store
shop=musical_instrument musical_instrument_store
shop=florist flowers_and_gifts_shop florist
shop=sports sporting_goods sports_wear
shop=outdoor outdoor_gear
shop=bicycle bicycle_shop
shop=pet pet_store
shop=baby baby_gear_and_furniture
shop=hairdresser hair_salon barber
shop=beauty beauty_salon beauty_and_spa nail_salon day_spa tanning_salon skin_care waxing eyelash_service
shop=massage massage massage_therapy
shop=tattoo tattoo_and_piercing
shop=laundry laundromat laundry_services
shop=dry_cleaning dry_cleaning
shop=travel_agency travel_services travel_agents tours
shop=ticket ticket_sales
shop=copyshop printing_services
shop=photo photographer photography_store_and_services
shop=tailor sewing_and_alterations
craft=shoemaker shoe_repair
craft=key_cutter locksmith
shop=car car_dealer used_car_dealer automotive
shop=car_repair automotive_repair auto_body_shop tire_dealer_and_repair oil_change_station
shop=car_parts auto_parts_and_supply_store
shop=motorcycle motorcycle_dealer
amenity=car_wash car_wash
amenity=car_rental car_rental_agency
amenity=bicycle_rental bike_rentals
amenity=fuel gas_station
amenity=charging_station ev_charging_station
amenity=parking parking
amenity=pharmacy pharmacy
amenity=hospital hospital
amenity=clinic medical_center clinic walk_in_clinic
amenity=doctors doctor family_practice
amenity=dentist dentist general_dentistry orthodontist
amenity=veterinary veterinarian
amenity=bank banks bank_credit_union credit_union
amenity=atm atms
amenity=bureau_de_change currency_exchange
amenity=post_office post_office
amenity=cinema cinema movie_theater
amenity=theatre theatre performing_arts_theater
amenity=arts_centre arts_and_entertainment cultural_center
amenity=casino casino
amenity=library library
tourism=museum museum art_museum history_museum science_museum
tourism=gallery contemporary_art_museum
tourism=zoo zoo
tourism=aquarium aquarium
tourism=theme_park amusement_park
tourism=attraction landmark_and_historical_building tourist_attraction attractions_and_activities
tourism=hotel hotel resort accommodation
tourism=motel motel
tourism=hostel hostel
tourism=guest_house bed_and_breakfast guest_house inn holiday_rental_home
tourism=apartment service_apartments
tourism=camp_site campground
leisure=fitness_centre gym yoga_studio pilates_studio boxing_gym
leisure=sports_centre sports_and_recreation_venue sports_club_and_league
leisure=swimming_pool swimming_pool
leisure=bowling_alley bowling_alley
leisure=amusement_arcade arcade
leisure=escape_game escape_rooms
leisure=sauna sauna spas
office=estate_agent real_estate_agent real_estate
office=insurance insurance_agency
office=lawyer lawyer
"""


@cache
def osm_tags_by_word() -> Mapping[str, Mapping[str, str]]:
    """Overture word -> the OSM tag that means the same, as a mapping of one."""
    by_word: dict[str, Mapping[str, str]] = {}
    tag: Mapping[str, str] = MappingProxyType({})
    for word in _WORDS.split():
        key, equals, value = word.partition("=")
        if equals:
            tag = MappingProxyType({key: value})
        else:
            by_word[word] = tag
    return MappingProxyType(by_word)
