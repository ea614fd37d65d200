"""What people did in the app, counted from production's raw rows; the job `usage` stores it by day.

bits            the days of a person as the bits of one number, and windows of days over many people
raw             the rows that are read, each kind of them once for a range of days
gathering       those rows by person
features        who used what: daily, weekly and monthly users, first uses
dyads           paying couples by who of the two came
visits          visits and pages
scoring         the engagement score of one person on one day
couple_health   a couple's week, as production's roll-up has it
partners        a partner business's day, as production's roll-up has it
working_out     a range of days as the rows of our tables
"""
