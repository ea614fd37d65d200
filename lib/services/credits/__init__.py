"""AI credits: the ledger and where its credits came from, grants by a second person, and taking back.

trace.py      which purchase funded which use: a calculation, first in, first out
ledger.py     movements of everybody, and one couple's ledger with its check
grants.py     asking for credits or an add-on on a couple's behalf, and deciding on it
take_back.py  taking back what a refunded payment had bought
"""
