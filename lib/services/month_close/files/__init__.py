"""The files of a version: made from what was frozen alone, so that the same version gives the same bytes.

They carry the day of the freeze and not its second, and no id of ours: the same figures, frozen again by the
same person on the same day, are the same files.

as_csv.py    every line of the version
as_pdf.py    the same for people, with definitions and pictures
pictures.py  the pictures: vectors
"""

from lib.services.month_close.files.as_csv import csv_of
from lib.services.month_close.files.as_pdf import pdf_of

__all__ = ["csv_of", "pdf_of"]
