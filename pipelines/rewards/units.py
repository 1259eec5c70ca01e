"""Units of measure: which words mean the same one, and how many of one make another.

A word may mean several (`pounds`, `degrees`); then any of them will do.
"""

import re
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

PERCENT = "%"


class Unit(NamedTuple):
    """A unit as a multiple of the base of its dimension."""

    dimension: str
    factor: Fraction = Fraction(1)


def _scale(dimension: str, *steps: tuple[str, str]) -> list[tuple[str, Unit]]:
    """Read rows of a factor with the words for its unit, apart by commas."""
    return [
        (word.strip(), Unit(dimension, Fraction(factor)))
        for factor, words in steps
        for word in words.split(",")
    ]


_TABLE = [
    *_scale(
        "length",
        ("1", "m, meter, meters, metre, metres"),
        ("1000", "km, kms, kilometer, kilometers, kilometre, kilometres"),
        ("0.01", "cm, cms, centimeter, centimeters, centimetre, centimetres"),
        ("0.001", "mm, millimeter, millimeters, millimetre, millimetres"),
        ("0.000001", "um, µm, μm, micrometer, micrometers, micron, microns"),
        ("0.000000001", "nm, nanometer, nanometers, nanometre, nanometres"),
        ("1609.344", "mi, mile, miles"),
        ("0.9144", "yd, yds, yard, yards"),
        ("0.3048", "ft, foot, feet"),
        ("0.0254", "in, inch, inches"),
    ),
    *_scale(
        "area",
        ("1", "m^2, m2, m², sq m, square meter, square meters, square metre, square metres"),
        ("1000000", "km^2, km2, km², sq km, square kilometer, square kilometers"),
        ("0.0001", "cm^2, cm2, cm², sq cm, square centimeter, square centimeters"),
        ("0.09290304", "ft^2, ft², sq ft, square foot, square feet"),
        ("0.00064516", "in^2, in², sq in, square inch, square inches"),
        ("10000", "ha, hectare, hectares"),
        ("4046.8564224", "acre, acres"),
    ),
    *_scale(
        "volume",
        ("1", "L, l, liter, liters, litre, litres"),
        ("0.001", "mL, ml, milliliter, milliliters, millilitre, millilitres"),
        ("1000", "m^3, m³, cubic meter, cubic meters, cubic metre, cubic metres"),
        ("0.001", "cm^3, cm³, cc, cubic centimeter, cubic centimeters"),
    ),
    *_scale(
        "volume, US",
        ("16", "gallon, gallons, gal"),
        ("4", "quart, quarts, qt"),
        ("2", "pint, pints, pt"),
        ("1", "cup, cups"),
        ("0.125", "fluid ounce, fluid ounces, fl oz"),
        ("0.0625", "tablespoon, tablespoons, tbsp"),
    ),
    *_scale(
        "mass",
        ("1", "g, gram, grams, gramme, grammes"),
        ("1000", "kg, kgs, kilo, kilos, kilogram, kilograms"),
        ("0.001", "mg, milligram, milligrams"),
        ("1000000", "tonne, tonnes, metric ton, metric tons"),
        ("453.59237", "lb, lbs, pound, pounds"),
        ("28.349523125", "oz, ounce, ounces"),
    ),
    *_scale("tons", ("1", "ton, tons")),
    *_scale(
        "time",
        ("1", "s, sec, secs, second, seconds"),
        ("0.001", "ms, millisecond, milliseconds"),
        ("60", "min, mins, minute, minutes"),
        ("3600", "h, hr, hrs, hour, hours"),
        ("86400", "day, days"),
        ("604800", "week, weeks"),
    ),
    *_scale("calendar", ("1", "month, months"), ("12", "year, years, yr, yrs"), ("120", "decades")),
    *_scale(
        "speed",
        ("3600", "m/s, mps, meters per second, metres per second"),
        ("1000", "km/h, kph, kmh, km per hour, kilometers per hour, kilometres per hour"),
        ("1609.344", "mph, mi/h, miles per hour"),
    ),
    *_scale("dollars", ("1", "$, dollar, dollars, usd, buck, bucks"), ("0.01", "¢, cent, cents")),
    *_scale("euros", ("1", "€, euro, euros, eur"), ("0.01", "cent, cents")),
    *_scale("pounds", ("1", "£, pound, pounds, gbp"), ("0.01", "pence")),
    *_scale("yen", ("1", "¥, yen, jpy")),
    *_scale("celsius", ("1", "°C, ℃, degrees C, degrees celsius, celsius, °, degree, degrees")),
    *_scale("fahrenheit", ("1", "°F, degrees F, degrees fahrenheit, fahrenheit, °, degrees")),
    *_scale("kelvin", ("1", "kelvin, kelvins")),
    *_scale("angle", ("1", "°, deg, degree, degrees")),
    *_scale("radians", ("1", "rad, radian, radians")),
    *_scale("energy", ("1", "J, joule, joules"), ("1000", "kJ, kilojoule, kilojoules")),
    *_scale("electric energy", ("1", "Wh, watt hours"), ("1000", "kWh, kilowatt hours")),
    *_scale("food energy", ("1", "cal, calories, calorie, kcal, kilocalories")),
    *_scale("power", ("1", "W, watt, watts"), ("1000", "kW, kilowatt, kilowatts")),
    *_scale("force", ("1", "N, newton, newtons")),
    *_scale("voltage", ("1", "V, volt, volts")),
    *_scale("frequency", ("1", "Hz, hertz"), ("1000", "kHz")),
    *_scale("percent", ("1", "%, \\%, percent, per cent, pct, percentage points")),
]


def _by_word() -> dict[str, frozenset[Unit]]:
    known: dict[str, set[Unit]] = {}
    for word, unit in _TABLE:
        # Symbols of one letter mean what they mean in their own case: `m` is no million.
        known.setdefault(word if len(word) == 1 else word.casefold(), set()).add(unit)
    return {word: frozenset(units) for word, units in known.items()}


UNITS = _by_word()
_WORDS = "|".join(re.escape(word) for word in sorted(UNITS, key=len, reverse=True))
_STATED = re.compile(
    rf"""[\s~-]*(?:\\[,;: ]\s*)?(?:\\(?:text|mathrm|textrm)\{{\s*)?
    (?P<unit>\^\{{?\\circ\}}?\s*[CF]?|{_WORDS})(?![A-Za-z])(?P<more>\s*(?:/|\^|²|³))?""",
    re.VERBOSE | re.IGNORECASE,
)
_INCH_OR_IN = re.compile(r"\s*\}?\s*(?:[.,;)]|$)")


class Stated(NamedTuple):
    """A unit that a text states, and where it ends."""

    units: frozenset[Unit]
    end: int


def stated_unit(text: str, start: int) -> Stated | None:
    """Read the unit that stands right behind a number; None where no known one does."""
    match = _STATED.match(text, start)
    if match is None:
        return None
    word = match["unit"]
    if word.casefold() == "in" and not _INCH_OR_IN.match(text, match.end("unit")):
        return None
    units = units_of(word.replace("^", "").replace("{\\circ}", "°").replace("\\circ", "°").strip())
    if not units:
        return None
    if match["more"]:  # a unit made of several that the table does not have: like no other
        return Stated(frozenset({Unit(text[match.start("unit") :][:40])}), match.end())
    return Stated(units, match.end("unit"))


@lru_cache(maxsize=4096)
def units_of(word: str) -> frozenset[Unit]:
    """Give the units that a word may mean; none for a word that is no known unit."""
    word = " ".join(word.split())
    return UNITS.get(word) or (
        UNITS.get(word.casefold(), frozenset()) if len(word) > 1 else frozenset()
    )


def factor_between(given: frozenset[Unit], wanted: frozenset[Unit]) -> Fraction | None:
    """How many of the wanted unit one of the given is; None where they measure different things."""
    shared = [(a, b) for a in given for b in wanted if a.dimension == b.dimension]
    # The same unit of several readings first: 5 pounds are 5 pounds.
    factors = sorted((a.factor / b.factor for a, b in shared), key=lambda f: (f != 1, f))
    return factors[0] if factors else None
