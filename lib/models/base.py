"""The declarative base: what a Python annotation means as a column."""

from datetime import date, datetime
from typing import ClassVar

from sqlalchemy import Boolean, Integer, MetaData, Text, text
from sqlalchemy.orm import DeclarativeBase

from lib.models.types import Day, Moment


class Base(DeclarativeBase):
    """Parent of the production tables.

    Their constraints carry no names, as in production. Keys are nullable text, because SQLite's are.
    """

    type_annotation_map: ClassVar = {
        str: Text(),
        int: Integer(),
        bool: Boolean(),
        datetime: Moment(),
        date: Day(),
    }
    metadata = MetaData()
    # D1 has no RETURNING; a server default is read back only if somebody asks for it.
    __mapper_args__ = {"eager_defaults": False}  # noqa: RUF012 - SQLAlchemy declares it so


# The defaults of production's columns, spelled as there.
NOW = text("CURRENT_TIMESTAMP")
YES = text("TRUE")
NO = text("FALSE")
