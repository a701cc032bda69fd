"""The page in the browser: work in processes, files of sessions, and what people see of them."""
