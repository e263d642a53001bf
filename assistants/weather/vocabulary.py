"""The words that the rules know: what a question is about, and what is certainly no city."""

from __future__ import annotations

from typing import Final


def listed(text: str) -> frozenset[str]:
    """The words of a text that lists them."""
    return frozenset(text.split())


TOPICS: Final = {
    "umbrella": listed("umbrella umbrellas brolly raincoat raincoats"),
    "rain": listed(
        "rain rains raining rainy rainfall shower showers wet dry drizzle precipitation storm storms thunder"
    ),
    "snow": listed("snow snows snowing snowy snowfall blizzard sleet"),
    "coat": listed("coat jacket jumper sweater scarf gloves"),
    "clothes": listed("wear wearing dress clothes clothing pack packing outfit shorts"),
    "wind": listed("wind winds windy windier windiest breeze breezy gust gusts"),
    "sun": listed("sunrise sunset dawn dusk"),
    "humidity": listed("humid humidity muggy"),
}
"""What can be asked of the weather beyond the weather itself."""

COMPARISONS: Final = {
    word: kind
    for kind, words in {
        "warm": "warmer warmest hotter hottest milder mildest",
        "cold": "colder coldest cooler coolest chillier",
        "wet": "wetter wettest rainier rainiest",
        "dry": "drier dryer driest sunnier sunniest",
        "wind": "windier windiest",
    }.items()
    for word in words.split()
}
"""Words that compare cities, and by what."""

WEATHER: Final = frozenset().union(*TOPICS.values(), COMPARISONS) | listed(
    """
    weather wheather wether forecast forecasts temperature temperatures temp temps temprature degree degrees
    climate conditions sunny sun sunshine cloud clouds cloudy overcast fog foggy mist misty clear hot heat heatwave
    warm cold cool chilly freezing sunscreen sunglasses freeze frost icy ice hail mild outdoor outdoors picnic
    barbecue bbq meteo tiempo clima tempo pogoda погода 天气 天気 날씨
    """
)
"""Any of these makes a message a question about the weather."""

TRAVEL: Final = listed(
    """
    travel travels traveling travelling trip flying fly flight visit visiting heading going moving moved holiday
    holidays vacation live living lives stay staying arrive arriving arrived
    """
)
"""Any of these with a city does so as well."""

STOP: Final = listed(
    """
    a an and or vs versus but then because if when while is are was were be been being am will would can could
    should shall may might must do does did done has have had need needs i i'm im i'll i've i'd you you're we we're
    they he she it it's its me my mine your our their his her this that these those to for in at on from with
    without by as so than please pls plz thanks thank thx now right currently also too again instead though however
    today tonight tomorrow what what's whats which who who's where where's why how how's hows not no yes ok okay get
    gets getting feel feels look looks like likes going gonna want wants know tell show give let's near around about
    during until till over weather forecast temperature there here outside very really just still ever today's
    tomorrow's have hello hi hey meant mean actually
    """
)
"""These end the name of a place."""

NOT_A_PLACE: Final = WEATHER | listed(
    """
    general particular case total fact advance short detail details time future past morning afternoon evening night
    noon midnight midday day days hour hours minute minutes week weeks month months year years weekend summer winter
    spring autumn fall season town city village country area region world place home inside bed words english french
    german spanish c f celsius fahrenheit kelvin metric imperial mph kmh shade rush hurry moment sec second few
    couple it me us them all any every each both same other another rest everything nothing something information
    info update one two three four ones cities towns places
    """
)
"""After «in» these are no cities."""

COMMON: Final = (
    STOP
    | NOT_A_PLACE
    | TRAVEL
    | listed(
        """
    hello hi hey hiya howdy yo greetings good evening morning afternoon bye goodbye cheers lol haha wow cool great
    nice lovely fine perfect awesome super sure yeah yep nope maybe well sorry pardon excuse welcome back much many
    more most less least lot lots some of the go come came take takes bring brings think thinks thought say says
    said ask asks asked asking answer answers question questions help helps helping assist joke jokes poem story
    sing song write read explain translate compare convert change switch check checks find search google see make
    makes made use using work works working talk talking speak chat remember remembers forget forgot name named
    called call who whom expect expected expecting predict prediction predicted likely chance chances possible
    possibly probability percent high low highs lows max min maximum minimum average typical typically normal
    normally usual usually best worst better worse big small new old next last first coming following soon later
    early late long far before after between up down out off into onto through through stuff thing things people
    person someone anyone everybody man woman boy girl friend love hate hope wish enough quite pretty bit little
    kind sort currently present actual exact exactly current local report reports outlook data latest quick quickly
    it'll that's there's they're don't doesn't didn't can't cannot won't wouldn't shouldn't isn't aren't wasn't
    boots umbrella sunscreen sunglasses hat run running walk walking hike hiking bike cycling swim swimming play
    playing drive driving sleep eat eating drink food money stock stocks price prices buy sell news sport sports
    football movie music game code program python robot bot human ai math plus minus times true false test testing
    hmm hm uh um oh ah eh huh whatever nevermind stop start quit exit reset clear again city's place's damn hell
    bored boring tired happy sad hungry thirsty sick funny silly stupid crazy weird awful terrible bad horrible quel
    quelle temps fait il fait-il в est was ist das wie que hace como está esta el la los las le les de der die das
    den dem im zu à en y et und e o um os as do da che fa a un une une ein eine
    """
    )
)
"""Words that are no city when they stand alone. («Nice» is one after «in».)"""

GREETINGS: Final = listed(
    "hello hi hey hiya howdy yo greetings hallo hola bonjour ciao salut namaste hej ahoy moin servus"
)
NODS: Final = listed(
    "ok okay yes no yep yeah nope sure cool great nice fine perfect awesome super wow good alright right"
)
PRAISE: Final = listed("great good nice awesome amazing cool super wonderful brilliant best perfect love helpful kind")
FAREWELLS: Final = listed("bye goodbye cya farewell tschüss adios ciao")
THANKS: Final = listed("thanks thank thx ty cheers merci danke gracias grazie obrigado")
