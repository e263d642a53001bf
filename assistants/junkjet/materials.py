"""The materials that JunkJet knows, and the words that people have for them."""

from __future__ import annotations

from typing import Final, Literal, get_args

from assistants.junkjet.words import Phrases, Words, vocabulary

Material = Literal[
    "plastic",
    "paper",
    "cardboard",
    "metal",
    "aluminum",
    "steel",
    "copper",
    "glass",
    "electronics",
    "textile",
    "organic",
]
MATERIALS: Final[tuple[Material, ...]] = get_args(Material)

_WORDS: Final[Phrases[Material]] = vocabulary(
    [
        (
            "plastic",
            (
                "(plastic|plastics|polythene|polyethylene|polypropylene|pvc|hdpe|ldpe|thermocol|styrofoam|acrylic)",
                "(bottle|bottles|tupperware|jerrycans|polybags)",
                "(plastic|pet|water|soda|shampoo|milk) (bottle|bottles)",
                "plastic (bag|bags|box|boxes|can|cans|chair|chairs|container|containers|crate|crates|cups|jar|jars)",
                "plastic (bucket|buckets|toy|toys|wrap|wrapper|wrappers|pipe|pipes|packaging|film|scrap|waste)",
                "(for|of) pet",
                "pet (plastic|flakes|scrap)",
            ),
        ),
        (
            "paper",
            (
                "(paper|papers|newspaper|newspapers|magazine|magazines|books|notebook|notebooks|textbook|textbooks)",
                "(newsprint|raddi|stationery|envelopes|brochures|leaflets|flyers)",
                "(old|used|school) book",
                "(paper|office|news) (cups|bags|bag|scrap|waste|plates)",
            ),
        ),
        (
            "cardboard",
            (
                "(cardboard|cardboards|carton|cartons|corrugated|gatta|boxes)",
                "(cardboard|carton|corrugated|paper|packing|shipping|pizza|amazon|delivery) (box|boxes|sheets|scrap)",
            ),
        ),
        (
            "metal",
            (
                "(metal|metals|iron|brass|bronze|zinc|tin|tins|loha|rods|nails|screws|pipes|radiator|radiators|utensils)",
                "scrap (metal|metals|iron)",
                "heavy metal (scrap|waste|parts|sheets)",
                "(cast|wrought) iron",
                "(tin|metal|food) (can|cans)",
                "(metal|iron) (scrap|pipe|pipes|rods|sheets|box|boxes|waste)",
            ),
        ),
        (
            "aluminum",
            (
                "(aluminum|aluminium|alumunium|alluminium|alu|cans|foil)",
                "(aluminum|aluminium) (can|cans|foil|foils|wire|wires|sheets|sections|scrap|utensils|pipes|boxes)",
                "(soda|beer|drink|drinks|coke|cola|beverage) (can|cans)",
            ),
        ),
        (
            "steel",
            (
                "(steel|steels|rebar|rebars|tmt)",
                "(stainless|mild|carbon) steel",
                "(steel|stainless_steel) (scrap|pipe|pipes|rods|bars|sheets|utensils|beams|cans|boxes)",
            ),
        ),
        (
            "copper",
            (
                "(copper|wires|wiring|cable|cables|tamba)",
                "(copper|electric|electrical|house|insulated|scrap|old) (wire|wires|wiring|cable|cables)",
                "copper (pipe|pipes|scrap|coil|coils|tubes|utensils)",
                "wire (scrap|rolls)",
            ),
        ),
        (
            "glass",
            (
                "(glass|glassware|windowpanes|windshield|windscreen)",
                "(glass|beer|wine|whisky|whiskey|liquor) (bottle|bottles)",
                "(glass|jam|pickle) (jar|jars)",
                "(broken|empty|wine|drinking|old) glasses",
                "glass (scrap|sheets|panes|waste|pieces)",
                "(jar|jars)",
            ),
        ),
        (
            "electronics",
            (
                "(electronics|electronic|electronical|ewaste|gadget|gadgets|laptop|laptops|computer|computers|pc|pcs)",
                "e waste",
                "(phones|smartphone|smartphones|cellphone|cellphones|mobiles|tablets|television|televisions|tv|tvs)",
                "(mobile|old|cell|smart|broken|used|dead) (phone|phones|mobile|mobiles)",
                "(battery|batteries|charger|chargers|printer|printers|keyboard|keyboards|monitor|monitors)",
                "(ups|motherboard|motherboards|iphone|iphones|macbook|macbooks|headphones|camera|cameras)",
                "(fridge|fridges|refrigerator|refrigerators|microwave|microwaves|routers|router|inverter)",
                "circuit (board|boards)",
                "washing (machine|machines)",
                "(electronic|electronics|electrical) (waste|scrap|items|goods|appliances)",
                "(home|kitchen) (appliance|appliances)",
                "appliances",
                "air (conditioner|conditioners)",
            ),
        ),
        (
            "textile",
            (
                "(textile|textiles|clothes|clothing|cloth|fabric|fabrics|garment|garments|cotton|rags|shirts|jeans)",
                "(trousers|sarees|saris|bedsheets|curtains|towels|blankets|sweaters|kurtas|shoes|denim|wool|linen)",
                "(organic|old|used|waste) (cotton|clothes|clothing|cloth|shirts|fabric)",
                "(textile|cotton|fabric) waste",
            ),
        ),
        (
            "organic",
            (
                "(organic|organics|compost|biodegradable|peels|manure|leftovers|biowaste)",
                "(food|kitchen|vegetable|fruit|veggie) (scrap|scraps|waste|peel|peels|leftovers|trimmings)",
                "(organic|garden|wet|green|bio|yard) (waste|matter|material|scrap|scraps|clippings|trimmings)",
                "(coffee|tea) (grounds|leaves|waste)",
                "(dry|fallen|dead) leaves",
                "(used|waste) cooking oil",
            ),
        ),
        (
            # Sayings and other things that only sound like a material.
            None,
            (
                "steel (yourself|myself|himself|herself|themselves|ourselves)",
                "steel (my|your|our|his|her|their|the) nerves",
                "nerves of steel",
                "man of steel",
                "heavy metal",
                "metal (band|bands|music|concert)",
                "iron (man|out|my|fist|maiden)",
                "on paper",
                "paper (trail|tiger)",
                "(white|research|term|exam|question|walking) (paper|papers)",
                "plastic free",
                "plastic (surgery|surgeon|money)",
                "glass (ceiling|half)",
                "glass is half",
                "(a|one|another) glass of (water|milk|wine|juice|beer)",
                "looking glass",
                "glass of (water|milk|wine|juice|beer)",
                "copper (top|plan)",
                "organic (growth|traffic|search|reach|chemistry|certified)",
                "organic (vegetables|vegetable|food|farming|farm|milk|shop)",
                "electronic (music|mail|signature|payment|payments|ticket)",
                "pet (food|dog|cat|shop|store|animal)",
                "in the books",
                "hit the books",
                "in (tatters|rags)",
                "spill the tea",
                "can of worms",
                "cable (tv|car|guy|internet)",
                "tin foil hat",
            ),
        ),
    ]
)


def materials_in(words: Words) -> tuple[Material, ...]:
    """The materials spoken of, each once, by first mention; without those that are ruled out ("no plastic")."""
    seen: dict[Material, None] = {}
    for found in _WORDS.find(words):
        if not found.negated:
            seen.setdefault(found.value)
    return tuple(seen)


def material_positions(words: Words) -> list[tuple[int, int]]:
    """Where materials are named: (start, end) token indices, end exclusive."""
    return [(found.start, found.end) for found in _WORDS.find(words) if not found.negated]


def material_named(text: str) -> Material | None:
    """The first material that ``text`` (a tool's argument, say ``aluminium cans``) names, or None."""
    return next(iter(materials_in(Words.of(text))), None)
