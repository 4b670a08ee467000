-- The document may say `contradicted` and `death_traced`, and its last trace a `detail`; saying nothing
-- is "no". The tables stay; the new version keeps a program that does not know `contradicted` from
-- asking about a case that has it.

-- Until now, a trace that brought a date of death was named `deceased` and was a case's last.
UPDATE cases SET document = json_set(document, '$.death_traced', json('true'))
WHERE json_extract(document, '$.last_trace.result') = 'deceased';
