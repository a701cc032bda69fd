"""The 20 LIP classes: tables, groupings and drawing."""
