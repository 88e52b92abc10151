"""READ: a mail taken apart, and how it looks: what each element says, in which ink on which ground."""
