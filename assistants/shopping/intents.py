"""What a message wants to be done, told from its words alone. ``text`` is ``words.normal`` everywhere here."""

from __future__ import annotations

import re

from assistants.shopping.words import NUMBERS

_CART = r"(?:cart|basket|shopping bag|trolley)"
_QUESTION_WORD = re.compile(r"^(?:what|which|where|why|how|should|is|are|does|do|did)\b")
_CHECKOUT = re.compile(
    r"\b(?:check ?out|place (?:the|my|an|this|that) order"
    r"|(?:complete|finish|confirm) (?:the|my|this) (?:order|purchase)|proceed to payment|pay now"
    r"|pay for (?:it|them|everything|my order)|(?:buy|order|purchase) everything)\b"
)
_PURCHASES = re.compile(
    r"\bwhat (?:all )?(?:did|have) i (?:buy|bought|order|ordered|purchase|purchased)\b|\b(?:order|purchase) history\b"
    r"|\bmy (?:past |previous |last |recent )?(?:orders|order|purchases|purchase)\b"
)
_CLEAR = re.compile(
    rf"\b(?:empty|clear|reset) [^.!?]{{0,30}}(?:{_CART}|everything)"
    r"|\b(?:remove|delete|drop) (?:everything|all(?: items)?)\b"
)
_REMOVE = re.compile(
    r"\b(?:remove|delete|discard|drop|get rid of|put back|take out|take off|take away)\b"
    r"|\btake [^.!?]{1,60} (?:out|off)\b|\bi (?:do not|don't|dont) (?:want|need) [^.!?]{1,60} any ?more\b"
)
_ADD = re.compile(
    r"\b(?:add|buy|purchase|grab)\b|\bput [^.!?]{1,80} (?:in|into|to) \w+ ?\w*|\bi'?(?:ll| will) (?:take|have|get)\b"
    r"|\bi(?:'d| would) like to (?:order|get|have)\b|\b(?:give|get) me (?!a (?:list|hint|tip|comparison))|\border\b"
    r"|\blet me (?:have|take|get)\b|\bi want to (?:order|get)\b|\btake (?:it|the|both|that|this|them|these|those)\b"
)
_VIEW = re.compile(
    rf"\b(?:my|the) {_CART}\b|\bin {_CART}\b|^{_CART}\W*$|\b(?:show|view|open) {_CART}\b"
    r"|\b(?:in total|altogether|all together|the total|my total)\b"
)
_DETAIL = re.compile(
    r"\b(?:tell me (?:more )?about|more about|details?|specs?|specifications?|how much (?:is|are|does|do|for)"
    r"|price of|cost of|in stock|available|describe|information on|info (?:on|about)|rating|rated|battery|weight|weigh"
    r"|screen size|display|does (?:it|the)|has it|is it|is the|are they|tell me more|what about)\b"
)
_CHEAPER = re.compile(
    r"\b(?:anything|something|any|a|one|ones|some|bit|little|got) (?:that is |that's |which is |a bit |a little )?"
    r"(?:cheaper|less expensive|more affordable)\b|^(?:cheaper|less expensive)\b"
    r"|\btoo (?:expensive|pricey|much money)\b"
)
_BETTER = re.compile(
    r"\b(?:anything|something|any|one) (?:that is |that's |a bit )?"
    r"(?:better|more premium|more expensive|fancier|nicer)\b"
)
_MORE = re.compile(
    r"\b(?:more|other|others|next|further) (?:options?|results?|choices?|ones?|products?|models?|page|please)\b"
    r"|\b(?:show|see|give|list)(?: me)?(?: some| a few)? (?:more|others)\b|^(?:more|next|others?|and more)\b"
    r"|\b(?:anything|something|what) else\b|\bany others?\b"
)
_AGAIN = re.compile(r"\b(?:show|list|see|give)(?: me)?(?: them| that| it| those| these| the list)? again\b|^again\W*$")
_CHANGED = re.compile(
    r"\b(?:make (?:it|that|them)|change (?:it|that|them|the quantity|the amount) to|set (?:it|that|them) to|i meant)"
    rf" (?P<count>\d{{1,3}}|{'|'.join(NUMBERS)})\b"
    rf"|\bi (?:want|need) (?P<of>\d{{1,3}}|{'|'.join(NUMBERS)}) of (?:it|that|them|those|these)\b"
)
_WHY = re.compile(r"^(?:but |and |so )?why(?: (?:is that|so|that one|this one|not the others?|that|this))?\W*$")
_SOUGHT = re.compile(
    r"\b(?:how much (?:is|are|for|does|do|would)|(?:do|did) you (?:sell|have|stock|offer|carry)|have you got|got any"
    r"|i (?:want|need)|i(?:'d| would) like|looking for|searching for|buy|order|book|find me|get me|price of|cost of)"
    r"(?: to (?:buy|get|order|book|see|find))?(?: (?:a|an|the|some|any|your|my|new|used))* (?P<what>[^.,!?;]{2,60})"
)
_SPECS = {
    "display": r"screens?|how (?:big|large)|inch(?:es)?|resolution",
    "processor": "cpu|chip|processors?",
    "memory": "ram",
    "storage": "disk|drive|ssd|space|gigabytes?|gb",
    "graphics": "gpu|graphics card",
    "battery": r"how long does (?:it|the battery|the charge)|battery life|charge",
    "weight": r"weighs?|how heavy|heavy|heaviest|light|lighter|lightest",
    "camera": "cameras?|photos?|zoom",
    "power": "watts?|how fast",
    "ports": "port|usb",
    "connectivity": "bluetooth|wifi|connect",
    "os": "operating system|system",
}
"""What people call the specifications of a product."""
_NOT_MORE = re.compile(r"\bmore (?:about|details?|info|information|expensive|affordable|premium)\b|\bfor my|\bin my\b")
_ADVICE = re.compile(
    r"\bwhich (?:one |of (?:them|these|those) )?(?:is (?:the )?best|should|would|do you|is better)\b"
    r"|\bwhat (?:would|do|should) (?:you|i) (?:recommend|suggest|take|choose|pick|buy|get)\b"
    r"|\byour (?:favou?rite|pick)\b"
)
_PREFERENCES = re.compile(
    r"\bmy (?:preferences|budget|favou?rite brands?|preferred brands?|brands|shipping(?: preference)?"
    r"|preferred shipping)\b|\bwhat (?:do|did) i (?:prefer|like)\b|\bwhat do you (?:know|remember) about me\b"
)
_FORGET = re.compile(
    r"\b(?:forget|clear|reset|remove|delete|drop|ignore) (?:all )?(?:of )?my "
    r"(?P<what>preferences|budget|brands?|favou?rites)\b"
    r"|\b(?P<none>no budget|any brand(?: is fine| will do)?|no brand preference)\b"
)
_STORE = re.compile(
    r"\bwhat (?:all )?(?:do you|can i|products|kinds?|types?|categories|brands|else do you|stuff)\b"
    r"|\b(?:list|show)(?: me)?(?: all)?(?: the| your)? "
    r"(?:categories|products|brands|catalogue|catalog|range|everything)\b"
    r"|\byour (?:categories|catalogue|catalog|range|assortment|products|brands)\b"
)
_OPENS_ON = re.compile(
    r"^(?:and|or|but|what about|how about|only|just|with|without|in|from|under|below|over|any|anything)\b"
)
_WISH = re.compile(
    r"\b(?:show|find|search|need|want|looking|recommend|suggest|have|sell|gift|present|something|anything|best|good|for)\b"
)


def asks(text: str) -> bool:
    """Whether it is a question about something rather than a wish to have something done."""
    return bool(_QUESTION_WORD.match(text))


def checkout(text: str) -> bool:
    return bool(_CHECKOUT.search(text)) and not text.startswith(("how", "what", "can i", "do i", "where"))


def checkout_question(text: str) -> bool:
    return bool(_CHECKOUT.search(text)) and not checkout(text)


def purchases(text: str) -> bool:
    return bool(_PURCHASES.search(text)) and not _CHECKOUT.search(text)


def clear(text: str) -> bool:
    return bool(_CLEAR.search(text))


def remove(text: str) -> bool:
    return bool(_REMOVE.search(text)) and not asks(text)


def removal(text: str) -> str:
    """The text from the verb on: ``I changed my mind, remove one`` is ``remove one``."""
    found = _REMOVE.search(text)
    return text[found.start() :] if found else text


def add(text: str) -> bool:
    return bool(_ADD.search(text)) and not asks(text)


def view_cart(text: str) -> bool:
    return bool(_VIEW.search(text))


def detail(text: str) -> bool:
    return bool(_DETAIL.search(text))


def everything(text: str) -> bool:
    """Whether all of a product is asked for."""
    return bool(
        re.search(r"\b(?:details?|specs?|specifications?|more about|tell me|everything|describe|info\w*)\b", text)
    )


def asks_state(text: str) -> bool:
    """Whether the price, the stock or the rating is asked for, which the head of a product's details tells."""
    return bool(re.search(r"\b(?:price|cost|costs|how much|stock|available|rating|rated|good|left)\b", text))


def asks_spec(text: str, spec: str) -> bool:
    """Whether a specification is asked for, by its name or by what people call it."""
    return bool(re.search(rf"\b(?:{spec.replace('_', ' ')}|{_SPECS.get(spec, spec)})\b", text))


def wants_least(text: str) -> bool:
    return bool(re.search(r"\b(?:lightest|smallest|least|lowest|shortest|lighter|smaller|less)\b", text))


def cheaper(text: str) -> bool:
    return bool(_CHEAPER.search(text))


def better(text: str) -> bool:
    return bool(_BETTER.search(text))


def more(text: str) -> bool:
    return bool(_MORE.search(text)) and not _NOT_MORE.search(text)


def again(text: str) -> bool:
    return bool(_AGAIN.search(text))


def changed_units(text: str) -> int | None:
    """How many it shall be instead: ``make it two``."""
    found = _CHANGED.search(text)
    count = (found["count"] or found["of"]) if found else None
    return (NUMBERS.get(count) or int(count)) if count else None


def why(text: str) -> bool:
    return bool(_WHY.match(text))


def sought(text: str) -> str:
    """What is asked for as a thing to buy, in the words of the text: ``a flight to rome``; empty where nothing is."""
    found = _SOUGHT.search(text)
    return re.sub(r" (?:costs?|please)$", "", found["what"].strip()) if found else ""


def advice(text: str) -> bool:
    return bool(_ADVICE.search(text))


def preferences_question(text: str) -> bool:
    return bool(_PREFERENCES.search(text)) and (asks(text) or text.startswith(("show", "list", "tell", "do you")))


def forgets(text: str) -> dict[str, object]:
    """The preferences to clear, as ``set_preferences`` takes them; empty where none are."""
    found = _FORGET.search(text)
    if found is None:
        return {}
    what = found["what"] or found["none"] or ""
    if what == "preferences":
        return {"budget_range": "", "preferred_brands": [], "device_type": "", "shipping_preference": ""}
    return {"budget_range": ""} if "budget" in what else {"preferred_brands": []}


def store(text: str) -> bool:
    return bool(_STORE.search(text))


def goes_on(text: str, said_words: int) -> bool:
    """Whether it narrows what was looked for before: ``and from Sony?``, ``under 300``."""
    return bool(_OPENS_ON.match(text)) or said_words <= 4


def wishes(text: str) -> bool:
    return bool(_WISH.search(text))
