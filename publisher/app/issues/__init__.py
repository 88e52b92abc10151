"""Issues: their life from the calendar to the report. What editors decide about them."""
