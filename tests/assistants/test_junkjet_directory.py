"""The directory, its distances, and the price list."""

from __future__ import annotations

import pytest

from assistants.junkjet.directory import Place, cities, entries, locate, nearest
from assistants.junkjet.materials import MATERIALS, Material
from assistants.junkjet.prices import kilograms, price_lines, price_list, price_range, rupees


def test_there_are_enough_people_in_every_city() -> None:
    assert len(entries()) >= 80
    assert len(cities()) == 12
    assert {entry.place.city for entry in entries()} == set(cities())
    assert len({entry.name for entry in entries()}) == len({entry.phone for entry in entries()}) == len(entries())


def test_phone_numbers_reach_nobody() -> None:
    assert all(entry.phone.startswith("+91 00000 ") for entry in entries())


def test_entries_lie_in_their_city() -> None:
    for entry in entries():
        city = cities()[entry.place.city]
        assert nearest(None, city, {entry.kind})
        away = next(match.km for match in nearest(None, city, {entry.kind}) if match.entry == entry)
        assert away < 50, entry.name


@pytest.mark.parametrize("material", MATERIALS)
def test_every_material_finds_a_buyer_and_a_seller_in_every_city(material: Material) -> None:
    for city in cities().values():
        assert nearest(material, city, {"phase2"}, lot_kg=50)[0].km < 50
        assert nearest(material, city, {"phase1", "phase2"})[0].km < 50


def test_distances_are_great_circles_in_kilometres() -> None:
    mumbai = cities()["Mumbai"]
    to_pune = [m.km for m in nearest(None, mumbai, {"phase2"}) if m.entry.place.name == "Kasba Peth, Pune"]
    assert to_pune == [pytest.approx(120, abs=2)]


def test_the_nearest_come_first() -> None:
    distances = [match.km for match in nearest("copper", cities()["Delhi"], {"phase2", "phase3"})]
    assert distances == sorted(distances)
    assert len(distances) > 12


def test_small_lots_are_not_sent_to_those_who_take_tonnes() -> None:
    assert all(m.entry.minimum_kg <= 5 for m in nearest("paper", cities()["Delhi"], {"phase2", "phase3"}, lot_kg=5))
    assert any(m.entry.kind == "phase3" for m in nearest("paper", cities()["Delhi"], {"phase2", "phase3"}, lot_kg=5000))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Pune", "Pune"),
        ("  bangalore ", "Bengaluru"),
        ("Andheri, Mumbai", "Andheri, Mumbai"),
        ("somewhere in Kochi please", "Kochi"),
        ("18.52, 73.85", "18.5200, 73.8500"),
        ("-33.9;18.4", "-33.9000, 18.4000"),
        ("91, 10", None),
        ("near me", None),
        ("Atlantis", None),
        ("", None),
    ],
)
def test_places_are_located_by_name_or_coordinates(text: str, name: str | None) -> None:
    found = locate(text)
    assert (found.name if found else None) == name


def test_coordinates_are_searched_around() -> None:
    at = locate("18.5210, 73.8560")
    assert isinstance(at, Place)
    assert nearest("copper", at, {"phase2"})[0].entry.place.name == "Kasba Peth, Pune"


def test_every_material_has_prices_that_make_sense() -> None:
    for material, grades in price_list().items():
        assert grades, material
        assert all(0 < grade.low <= grade.high for grade in grades)
        low, high = price_range(material)
        assert low <= high


def test_prices_read_like_prices() -> None:
    assert rupees(1200, 1500) == "₹1,200–1,500"
    assert rupees(0.5, 2) == "₹0.5–2"
    assert kilograms(2.5) == "2.5 kg"
    assert kilograms(1200) == "1,200 kg"
    assert kilograms(100) == "100 kg"
    assert "- bright bare wire: ₹640–740 per kg, so **₹3,200–3,700** for 5 kg" in price_lines("copper", 5)
