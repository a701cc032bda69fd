"""Many transfers at once: data sets of synthesised people, made resumably on one machine or a cluster."""
