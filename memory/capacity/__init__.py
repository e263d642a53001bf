"""How much Redis do I need? ``python -m memory.capacity --users 100000`` tells, from policies and how people talk.

workload.py    who talks, how much, under which policies
simulation.py  what that makes of a day: sessions that begin, extend and end, and what of them is in Redis each minute
texts.py       turns of given lengths, encoded as they are stored
footprint.py   what Redis takes for them
forecast.py    memory, round trips and workers
measure.py     the same put into a real Redis, and compared
table.py, plot.py, __main__.py   how it is told
"""
