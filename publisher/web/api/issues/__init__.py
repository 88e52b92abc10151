"""Operations about issues, from the calendar to the report."""
