"""The verb `sample`: every queue at this moment, for a person or a program."""
