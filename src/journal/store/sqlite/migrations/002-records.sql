-- The records as of the last fact, one text for each address. They follow from the facts and are made anew
-- from them whenever the seal in `meta` (records_version, records_seal) does not fit.
CREATE TABLE records (
    address TEXT PRIMARY KEY,
    record  TEXT NOT NULL
) STRICT;
