"""Stories and their articles: values, tables, rows; their content as blocks in `content/`."""
