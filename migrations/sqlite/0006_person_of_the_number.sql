-- A number in the document now says whose it is (`nhs_number.person`): the names, date of birth and gender that
-- it was imported or last confirmed for. For a number that was traced, that is the person who was asked about
-- last: a case that has become another person's since is noticed. For any other number it is the person whom
-- the case is about today. The new version keeps a program that does not know it from losing it.
UPDATE cases SET document = json_set(
    document,
    '$.nhs_number.person',
    -- Without what is not recorded.
    json_patch('{}', CASE
        WHEN json_type(document, '$.nhs_number.source.traced') = 'object'
            AND json_type(document, '$.asking.asked') = 'object'
        THEN json_object(
            'surname', json_extract(document, '$.asking.asked.family'),
            'forename', json_extract(document, '$.asking.asked.given'),
            'date_of_birth', json_extract(document, '$.asking.asked.date_of_birth'),
            'gender', json_extract(document, '$.asking.asked.gender')
        )
        ELSE json_object(
            'surname', json_extract(document, '$.surname'),
            'forename', json_extract(document, '$.forename'),
            'date_of_birth', json_extract(document, '$.date_of_birth'),
            'gender', json_extract(document, '$.gender')
        )
    END)
)
-- A document that cannot be read is left as it is.
WHERE CASE
    WHEN json_valid(document) THEN json_type(document, '$.nhs_number') = 'object'
    ELSE 0
END;
