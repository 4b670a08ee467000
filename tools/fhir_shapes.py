#!/usr/bin/env python3
"""Checks answers of the simulator's FHIR API against the shapes of the published OpenAPI description.

    python3 tools/fhir_shapes.py [path of nhs-pds] [register]

Starts the simulator, requests every person of the register by each operation, provokes each error, and checks
required members, types, patterns, formats, code lists, displays, and FHIR's own rule that nothing is empty. The
facts are those of the description; no file of it is used, and no code of the library. Then it damages valid
answers in many ways, and fails if a damaged answer passes.
"""

import copy
import csv
import http.client
import json
import re
import subprocess
import sys
import urllib.parse

UK = "https://fhir.hl7.org.uk/"
EXTENSION = UK + "StructureDefinition/Extension-UKCore-"
SYSTEM = UK + "CodeSystem/UKCore-"
ROLE_SYSTEM = "https://fhir.nhs.uk/R4/CodeSystem/UKCore-AdditionalRelatedPersonRole"
TYPE_SYSTEM = "http://hl7.org/fhir/ValueSet/relatedperson-relationshiptype"
ERROR_SYSTEM = "https://fhir.nhs.uk/R4/CodeSystem/Spine-ErrorOrWarningCode"
REQUEST_ID = "60e0b220-8136-4ca5-ae46-1d97ef59d068"

DAY = r"[12]\d{3}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
INSTANT = DAY + r"T([01]\d|2[0-3]):[0-5]\d:[0-5]\d[+-]\d\d:\d\d"
PARTIAL = r"[12]\d{3}(-(0[1-9]|1[0-2]))?"

DEATH = {
    "1": "Informal - death notice received via an update from a local NHS Organisation such as GP or Trust",
    "2": "Formal - death notice received from Registrar of Deaths",
    "U": "Removed",
}
REMOVAL = {"DEA": "Death", "EMB": "Embarkation", "SCT": "Transferred to Scotland", "NIT": "Transferred to Northern Ireland",
           "TRA": "Temporary resident not returned", "ORR": "Other reason"}
METHOD = {"1": "Letter", "2": "Visit", "3": "Telephone", "4": "E-mail", "5": "Minicom (Textphone)",
          "6": "Telephone contact via proxy", "7": "Sign language", "8": "No Telephone contact"}
FORMAT = {"11": "Large print", "12": "Braille", "13": "Audio tape"}
# The codes that the simulator's records use; a code without a display has the display `Unknown`.
LANGUAGE = {"cy": "Welsh", "en": "English", "fr": "French", "pa": "Panjabi; Punjabi", "q4": "British Sign Language", "ur": "Urdu"}
SECURITY = {"U": "unrestricted", "R": "restricted", "V": "very restricted"}
ROLE = {"Agent": "Agent of patient", "Guardian": "Guardian of patient", "Personal": "Personal relationship with the patient"}
UK_TYPE = {"PolygamousPartner": "Polygamous Partner of patient", "Dependant": "Dependant of patient",
           "NonDependant": "Non Dependant of patient", "ProxyContact": "Proxy Contact for patient",
           "ProxyCommunication": "Proxy Communication for patient",
           "ProxyContactCommunication": "Proxy Contact and Communication for patient", "Carer": "Carer of patient",
           "NotSpecified": "Not Specified"}
TYPE = {"SPS": "spouse", "DOMPART": "domestic partner", "PRN": "parent", "PRNFOST": "foster parent", "STPPRN": "step parent",
        "CHILD": "child", "MTH": "mother", "FTH": "father", "SIS": "sister", "BRO": "brother", "FAMMEMB": "family member",
        "ONESELF": "self", "N": "Next-of-Kin", "U": "Unknown"}

# Status and code: issue.code, severity, display. `token` is a word of the gateway, and not in a list of FHIR.
ERRORS = {
    (200, "TOO_MANY_MATCHES"): ("multiple-matches", "information", "Too Many Matches"),
    (400, "ADDITIONAL_PROPERTIES"): ("invariant", "error", "Additional properties should not be included"),
    (400, "INVALID_RESOURCE_ID"): ("value", "error", "Resource Id is invalid"),
    (400, "INVALID_SEARCH_DATA"): ("value", "error", "Search data is invalid"),
    (400, "INVALID_VALUE"): ("value", "error", "Provided value is invalid"),
    (400, "MISSING_VALUE"): ("required", "error", "Required value is missing"),
    (400, "UNSUPPORTED_REQUEST"): ("value", "error", "The request is not one that is supported."),
    (400, "UNSUPPORTED_SERVICE"): ("processing", "error", "Unsupported Service"),
    (401, "ACCESS_DENIED"): ("forbidden", "error", "Access Denied - Unauthorised"),
    (403, "ACCESS_DENIED"): ("forbidden", "error", "Cannot GET resource with user-restricted access token"),
    (404, "INVALIDATED_RESOURCE"): ("processing", "error", "Resource that has been marked as invalid was requested - "
                                    "invalid resources cannot be retrieved"),
    (404, "RESOURCE_NOT_FOUND"): ("not-found", "information", "Resource not found"),
    (408, "UNABLE_TO_CALL_SERVICE"): ("timeout", "error", "Unable to call Service"),
    (429, "TOO_MANY_REQUESTS"): ("value", "error", "Too many requests"),
    (500, "UNKNOWN_ERROR"): ("unknown", "error", "Unknown Error"),
    (502, "UNKNOWN_ERROR"): ("unknown", "error", "Unknown Error"),
    (503, "SERVICE_UNAVAILABLE"): ("timeout", "error", "Service unavailable"),
}
ANYWHERE = {(401, "ACCESS_DENIED"), (408, "UNABLE_TO_CALL_SERVICE"), (429, "TOO_MANY_REQUESTS"), (500, "UNKNOWN_ERROR"),
            (502, "UNKNOWN_ERROR"), (503, "SERVICE_UNAVAILABLE"), (400, "MISSING_VALUE"), (400, "INVALID_VALUE"),
            (400, "UNSUPPORTED_SERVICE")}
# The errors that each operation may return, by the tables of the description.
SAYS = {
    "Patient": ANYWHERE | {(400, "INVALID_RESOURCE_ID"), (403, "ACCESS_DENIED"), (404, "RESOURCE_NOT_FOUND"), (404, "INVALIDATED_RESOURCE")},
    "RelatedPerson": ANYWHERE | {(400, "INVALID_RESOURCE_ID"), (404, "RESOURCE_NOT_FOUND"), (404, "INVALIDATED_RESOURCE")},
    "search": ANYWHERE | {(200, "TOO_MANY_MATCHES"), (400, "INVALID_SEARCH_DATA"), (400, "ADDITIONAL_PROPERTIES"), (403, "INVALID_VALUE")},
    "other": {(400, "UNSUPPORTED_REQUEST"), (403, "ACCESS_DENIED"), (502, "UNKNOWN_ERROR")},
}


# Shapes: functions of a value and its place, which return its faults.

def text(pattern=".+", most=None):
    def check(value, place):
        if not isinstance(value, str) or not re.fullmatch(pattern, value, re.DOTALL):
            return [f"{place}: not the text expected"]
        return [f"{place}: longer than {most}"] if most and len(value) > most else []
    return check


def one_of(*values):
    def check(value, place):
        fits = any(value == other and type(value) is type(other) for other in values)
        return [] if fits else [f"{place}: is {value!r}, none of {values}"]
    return check


def number(least, most):
    def check(value, place):
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return [] if is_number and least <= value <= most else [f"{place}: no number from {least} to {most}"]
    return check


def items(shape, least=1, most=10_000):
    def check(value, place):
        if not isinstance(value, list) or not least <= len(value) <= most:
            return [f"{place}: not a list of {least} to {most}"]
        return [fault for at, each in enumerate(value) for fault in shape(each, f"{place}[{at}]")]
    return check


def fields(required=None, optional=None):
    required, optional = required or {}, optional or {}

    def check(value, place):
        if not isinstance(value, dict) or not value:
            return [f"{place}: no object, or empty"]
        faults = [f"{place}.{name}: missing" for name in required if name not in value]
        for name, each in value.items():
            shape = required.get(name) or optional.get(name)
            faults += shape(each, f"{place}.{name}") if shape else [f"{place}.{name}: unknown"]
        return faults
    return check


def coding(system, displays, version=None):
    def check(value, place):
        shape = fields({"system": one_of(system), "code": text(r"\S+"), "display": text()} | ({"version": one_of(version)} if version else {}))
        faults = shape(value, place)
        if not faults and displays.get(value["code"]) != value["display"]:
            faults = [f"{place}: {value['code']} is not displayed as {value['display']!r}"]
        return faults
    return check


def concept(*of):
    return fields({"coding": items(coding(*of), 1, 1)})


def either(*shapes):
    """One of several shapes: returns the faults of the one that fits best."""
    return lambda value, place: min((shape(value, place) for shape in shapes), key=len)


def part(url, name, shape):
    return fields({"url": one_of(url), name: shape})


def whole(url, *parts, least=1):
    """An extension with parts, each at most once."""
    inner = items(either(*parts), least, len(parts))

    def check(value, place):
        faults = fields({"url": one_of(url), "extension": inner})(value, place)
        urls = [] if faults else [each["url"] for each in value["extension"]]
        return faults + ([f"{place}: a part comes twice"] if len(urls) != len(set(urls)) else [])
    return check


DATE, TIME = text(DAY), text(INSTANT)
PERIOD = fields({"start": DATE}, {"end": DATE})
NUMBER = text(r"\d{10}")
ODS = fields({"system": one_of("https://fhir.nhs.uk/Id/ods-organization-code"), "value": text("[0-9A-Z]+")}, {"period": PERIOD})
NAME = fields({"use": one_of("usual", "temp", "nickname", "old", "maiden"), "family": text(most=35)},
              {"id": text(), "period": PERIOD, "given": items(text(most=35), 1, 5), "prefix": items(text()), "suffix": items(text())})
OTHER_SYSTEM = part(EXTENSION + "OtherContactSystem", "valueCoding",
                    coding(SYSTEM + "OtherContactSystem", {"textphone": "Minicom (Textphone)"}))
TELECOM = fields({"system": one_of("phone", "fax", "email", "other"), "value": text()},
                 {"id": text(), "period": PERIOD, "use": one_of("home", "work", "temp", "mobile"), "extension": items(OTHER_SYSTEM, 1, 1)})
EMERGENCY = fields({"system": one_of("phone", "email", "other"), "value": text()}, {"id": text(), "extension": items(OTHER_SYSTEM, 1, 1)})
ADDRESS = fields({"use": one_of("home", "work", "temp", "billing"), "period": PERIOD},
                 {"id": text(), "text": text(), "line": items(text(), 1, 5), "postalCode": text()})
META = fields({"versionId": text(r"\d+")},
              {"security": items(coding("http://terminology.hl7.org/CodeSystem/v3-Confidentiality", SECURITY), 1, 1)})
IDENTIFIER = fields({"system": one_of("https://fhir.nhs.uk/Id/nhs-number"), "value": NUMBER}, {"extension": items(
    part(EXTENSION + "NHSNumberVerificationStatus", "valueCodeableConcept",
         concept(SYSTEM + "NHSNumberVerificationStatus", {"01": "Number present and verified"}, "1.0.0")), 1, 1)})
CONTACT = fields({"relationship": items(concept("http://terminology.hl7.org/CodeSystem/v2-0131", {"C": "Emergency Contact"}), 1, 1),
                  "telecom": items(EMERGENCY)}, {"id": text(), "period": PERIOD})
DEATH_NOTICE = whole(
    EXTENSION + "DeathNotificationStatus",
    part("deathNotificationStatus", "valueCodeableConcept", concept(SYSTEM + "DeathNotificationStatus", DEATH, "1.0.0")),
    part("systemEffectiveDate", "valueDateTime", TIME))
EXTENSIONS = [
    DEATH_NOTICE,
    part(EXTENSION + "NominatedPharmacy", "valueReference", fields({"identifier": ODS})),
    whole(EXTENSION + "NHSCommunication",
          part("language", "valueCodeableConcept", concept(SYSTEM + "HumanLanguage", LANGUAGE, "1.0.0")),
          part("interpreterRequired", "valueBoolean", one_of(True, False))),
    whole(EXTENSION + "ContactPreference",
          part("PreferredWrittenCommunicationFormat", "valueCodeableConcept", concept(SYSTEM + "PreferredWrittenCommunicationFormat", FORMAT)),
          part("PreferredContactMethod", "valueCodeableConcept", concept(SYSTEM + "PreferredContactMethod", METHOD)),
          part("PreferredContactTimes", "valueString", text(most=40))),
    part("http://hl7.org/fhir/StructureDefinition/patient-birthPlace", "valueAddress",
         fields(optional={"city": text(), "district": text(), "country": text(r"[A-Z]{3}|\d{1,2}")})),
    whole("https://fhir.nhs.uk/StructureDefinition/Extension-PDS-RemovalFromRegistration",
          part("removalFromRegistrationCode", "valueCodeableConcept", concept("https://fhir.nhs.uk/CodeSystem/PDS-RemovalReasonExitCode", REMOVAL)),
          part("effectiveTime", "valuePeriod", fields({"start": TIME}, {"end": TIME}))),
]


def patient_shape(extensions):
    return fields(
        {"resourceType": one_of("Patient"), "id": NUMBER, "identifier": items(IDENTIFIER, 1, 1), "meta": META},
        {"name": items(NAME), "gender": one_of("male", "female", "other", "unknown"), "birthDate": text(f"{DAY}|{PARTIAL}"),
         "multipleBirthInteger": one_of(*range(1, 10)), "deceasedDateTime": text(f"{INSTANT}|{DAY}|{PARTIAL}"), "address": items(ADDRESS),
         "telecom": items(TELECOM), "contact": items(CONTACT),
         "generalPractitioner": items(fields({"id": text(), "type": one_of("Organization"), "identifier": ODS}), 1, 1),
         "extension": items(either(*extensions))})


def mod_11(number):
    check = (11 - sum(int(digit) * weight for digit, weight in zip(number, range(10, 1, -1))) % 11) % 11
    return check == int(number[9])


def patient(value, place, searched=False):
    faults = patient_shape([DEATH_NOTICE] if searched else EXTENSIONS)(value, place)
    if faults:
        return faults
    say = lambda what: faults.append(f"{place}: {what}")
    if not mod_11(value["id"]) or value["identifier"][0]["value"] != value["id"]:
        say("id and identifier are not one NHS Number")
    urls = [extension["url"] for extension in value.get("extension", [])]
    if len(urls) != len(set(urls)):
        say("an extension comes twice")
    security = value["meta"]["security"][0]["code"]
    if security != "U":
        hidden = {"address", "telecom", "contact", "generalPractitioner"} | ({"name", "birthDate"} if security == "V" else set())
        if hidden & value.keys() or any(url.endswith(("NominatedPharmacy", "birthPlace")) for url in urls):
            say("what is restricted is shown")
    elif [name["use"] for name in value.get("name", [])].count("usual") != 1:
        say("not one usual name")
    if searched and any(name["use"] in ("old", "maiden") for name in value.get("name", [])):
        say("a search shows a former name")
    if searched and any(address["use"] != "home" for address in value.get("address", [])):
        say("a search shows another address than home")
    return faults


def relationship(value, place):
    shape = either(coding(TYPE_SYSTEM, TYPE), coding(ROLE_SYSTEM, ROLE | UK_TYPE))
    faults = fields({"coding": items(shape, 1, 3)})(value, place)
    codes = [] if faults else [each["code"] for each in value["coding"]]
    types = [code for code in codes if code not in ROLE and code != "N"]
    if not faults and codes[0] != "Guardian" and (len(types) != 1 or not ROLE.keys() & set(codes)):
        faults = [f"{place}: not a type and a role"]
    return faults


def related_person(base):
    reference = text(re.escape(base) + r"/Patient/\d{10}")
    shape = fields(
        {"resourceType": one_of("RelatedPerson"), "patient": fields({"type": one_of("Patient")}, {"identifier": fields(
            {"system": one_of("https://fhir.nhs.uk/Id/nhs-number"), "value": NUMBER}), "reference": reference}),
         "relationship": items(relationship, 1, 1)},
        {"id": text(), "active": one_of(True, False), "period": PERIOD, "name": items(NAME, 1, 1), "address": items(ADDRESS, 1, 1),
         "telecom": items(TELECOM, 1, 5)})

    def check(value, place):
        faults = shape(value, place)
        if not faults and "reference" not in value["patient"] and not {"name", "address"} <= value.keys():
            faults = [f"{place}: neither a reference, nor name and address"]
        return faults
    return check


def bundle(resource, url, scored):
    entry = {"fullUrl": text(url), "resource": resource}
    if scored:
        entry["search"] = fields({"score": number(0, 1)})
    shape = fields({"resourceType": one_of("Bundle"), "type": one_of("searchset"), "timestamp": TIME, "total": number(0, 50)},
                   {"entry": items(fields(entry))})

    def check(value, place):
        faults = shape(value, place)
        entries = [] if faults else value.get("entry", [])
        if not faults and value["total"] != len(entries):
            faults.append(f"{place}.total: not the number of entries")
        scores = [entry["search"]["score"] for entry in entries if scored]
        if scores != sorted(scores, reverse=True):
            faults.append(f"{place}: not in the order of scores")
        return faults
    return check


def outcome(status, operation):
    shape = fields({"resourceType": one_of("OperationOutcome"), "issue": items(fields(
        {"severity": one_of("fatal", "error", "warning", "information"), "code": text("[a-z-]+"),
         "details": fields({"coding": items(fields({"system": one_of(ERROR_SYSTEM), "version": one_of("1"), "code": text("[A-Z_]+"),
                                                    "display": text()}), 1, 1)})},
        {"diagnostics": text(), "expression": text()}), 1, 1)})

    def check(value, place):
        faults = shape(value, place)
        if faults:
            return faults
        issue = value["issue"][0]
        said = issue["details"]["coding"][0]
        key = (status, said["code"])
        if key not in SAYS[operation]:
            faults.append(f"{place}: {operation} never answers {key}")
        elif (issue["code"], issue["severity"], said["display"]) != ERRORS[key]:
            faults.append(f"{place}: {key} comes as {ERRORS[key]}")
        return faults
    return check


class Api:
    """The simulator, over HTTP. Collects the faults of its answers, and one valid answer of each kind."""

    def __init__(self, base, named=None):
        self.base, self.named = base, named or base
        url = urllib.parse.urlsplit(base)
        self.path, self.connection = url.path, http.client.HTTPConnection(url.netloc, timeout=30)
        self.faults, self.count, self.good, self.codes = [], 0, {}, set()

    def send(self, method, path, headers=None):
        self.connection.request(method, self.path + path, headers={"X-Request-ID": REQUEST_ID} if headers is None else headers)
        response = self.connection.getresponse()
        return response.status, response.headers, response.read()

    def ask(self, operation, path, method="GET", headers=None, expected=None):
        status, sent, body = self.send(method, path, headers)
        self.count += 1
        value = json.loads(body)
        if value.get("resourceType") == "OperationOutcome":
            kind, check = "OperationOutcome", outcome(status, operation)
            code = value["issue"][0]["details"]["coding"][0]["code"]
            self.codes.add((status, code))
        else:
            kind, code = operation, value.get("resourceType")
            url = re.escape(self.named) + r"/Patient/\d{10}"
            check = {"Patient": patient,
                     "RelatedPerson": bundle(related_person(self.named), url + r"/RelatedPerson/\w+", False),
                     "search": bundle(lambda value, place: patient(value, place, True), url, True)}[operation]
        place = f"{method} {path.split('?')[0]}"
        faults = check(value, place)
        if expected and (status, code) != expected:
            faults.append(f"{place}: {(status, code)}, not {expected}")
        if operation == "Patient" and status == 200 and sent["ETag"] != f'W/"{value["meta"]["versionId"]}"':
            faults.append(f"{place}: ETag is not the version")
        if headers is None and sent["X-Request-ID"] != REQUEST_ID:
            faults.append(f"{place}: X-Request-ID does not come back")
        if not faults and len(body) > len(json.dumps(self.good.get(kind, ("", 0))[0])):
            self.good[kind] = (value, check)
        self.faults += faults
        return value


def people(api, register):
    for person in register:
        number = person["NHS_NUMBER"]
        api.ask("Patient", f"/Patient/{number}")
        api.ask("RelatedPerson", f"/Patient/{number}/RelatedPerson")
        born = person["DATE_OF_BIRTH"]
        born = f"{born[:4]}-{born[4:6]}-{born[6:]}"
        for dates in ([born], [f"le{born}", f"ge{born}"], [f"le{born}"]):
            query = [("family", person["FAMILY_NAME"]), *(("birthdate", date) for date in dates)]
            api.ask("search", "/Patient?" + urllib.parse.urlencode(query))
        head = api.send("HEAD", f"/Patient/{number}")
        status, headers, _ = api.send("GET", f"/Patient/{number}")
        if (head[0], head[1]["Content-Length"], head[1]["ETag"], head[2]) != (status, headers["Content-Length"], headers["ETag"], b""):
            api.faults.append("HEAD is not as GET")


def errors(api, answers, register):
    search = "/Patient?family=Parry&birthdate=1934-07-11"
    number = register[0]["NHS_NUMBER"]
    for operation, path, expected in [
        ("Patient", "/Patient/9999999980", (404, "RESOURCE_NOT_FOUND")),
        ("Patient", "/Patient/9999999981", (400, "INVALID_RESOURCE_ID")),
        ("Patient", "/Patient/", (400, "UNSUPPORTED_SERVICE")),
        ("RelatedPerson", "/Patient/9999999980/RelatedPerson", (404, "RESOURCE_NOT_FOUND")),
        ("RelatedPerson", "/Patient/1/RelatedPerson", (400, "INVALID_RESOURCE_ID")),
        ("search", "/Patient", (400, "UNSUPPORTED_SERVICE")),
        ("search", search + "&gender=f", (400, "INVALID_VALUE")),
        ("search", search + "&death-date=gt2020-01-01", (400, "INVALID_VALUE")),
        ("search", search + "&name=x", (400, "ADDITIONAL_PROPERTIES")),
        ("search", search + "&given=R*", (400, "INVALID_SEARCH_DATA")),
        ("search", search + "&_fuzzy-match=true", (400, "INVALID_SEARCH_DATA")),
        ("search", search + "&death-date=ge2020-01-01", (200, "Bundle")),
        ("search", search + "&death-date=le2020-01-01", (200, "Bundle")),
        ("search", "/Patient?family=Parry", (400, "MISSING_VALUE")),
        ("search", "/Patient?birthdate=1934-07-11", (400, "INVALID_SEARCH_DATA")),
        ("search", "/Patient?family=Nobody&birthdate=le1920-08-11", (200, "Bundle")),
        ("search", "/Patient?family=Nobody&birthdate=ge2000-05-03", (200, "Bundle")),
        ("search", "/Patient?family=Pa*&birthdate=ge1900-01-01&_max-results=1", (200, "TOO_MANY_MATCHES")),
        ("other", "/Observation", (400, "UNSUPPORTED_REQUEST")),
        ("other", "/Coverage", (403, "ACCESS_DENIED")),
    ]:
        api.ask(operation, path, expected=expected)
    api.ask("Patient", f"/Patient/{number}", headers={}, expected=(400, "MISSING_VALUE"))
    api.ask("Patient", f"/Patient/{number}", headers={"X-Request-ID": "1"}, expected=(400, "INVALID_VALUE"))
    api.ask("Patient", f"/Patient/{number}", headers={"Authorization": "Basic x"}, expected=(401, "ACCESS_DENIED"))
    api.ask("Patient", f"/Patient/{number}", method="PUT", expected=(400, "UNSUPPORTED_SERVICE"))
    api.ask("other", f"/Patient/{number}", method="OPTIONS", headers={}, expected=(502, "UNKNOWN_ERROR"))
    for number, (code, by_number) in answers.items():
        api.ask("Patient", f"/Patient/{number}", expected=by_number)
        api.ask("RelatedPerson", f"/Patient/{number}/RelatedPerson")
    asks = {"Origin": "https://app.example", "Access-Control-Request-Method": "GET"}
    status, headers, body = api.send("OPTIONS", f"/Patient/{number}", asks)
    allowed = headers.get("Access-Control-Allow-Headers", "")
    if status != 200 or body or headers.get("Access-Control-Allow-Origin") != asks["Origin"] or "x-request-id" not in allowed:
        api.faults.append("a preflight is not answered")


# The behaviours that a person in the register can have, and the result of a retrieval.
CHOSEN = [
    ("SMSP-0001", (400, "INVALID_VALUE")),
    ("SMSP-0004", (408, "UNABLE_TO_CALL_SERVICE")),
    ("SMSP-0005", (401, "ACCESS_DENIED")),
    ("SMSP-9999", (500, "UNKNOWN_ERROR")),
    ("DEMOG-0007", (200, "Patient")),
    ("DEMOG-0022", (404, "INVALIDATED_RESOURCE")),
    ("DEMOG-0040", (404, "RESOURCE_NOT_FOUND")),
    ("TOO_MANY_MATCHES", (200, "Patient")),
    ("TOO_MANY_REQUESTS", (429, "TOO_MANY_REQUESTS")),
    ("SERVICE_UNAVAILABLE", (503, "SERVICE_UNAVAILABLE")),
]


def spoiled(value, place=""):
    """Yields the value with each part emptied, replaced, removed or extended in turn, and its place."""
    if isinstance(value, dict):
        yield f"{place}+", value | {"made-up": "x"}
        yield place, {}
        for name in value:
            for where, each in spoiled(value[name], f"{place}.{name}"):
                yield where, value | {name: each}
    elif isinstance(value, list):
        yield place, []
        for at, each in enumerate(value):
            for where, other in spoiled(each, f"{place}[{at}]"):
                yield where, value[:at] + [other] + value[at + 1:]
    else:
        yield place, ""
        yield place, None
        yield place, [] if isinstance(value, str) else "x"


# Members that every answer must have.
REQUIRED = {
    "Patient": [["id"], ["meta", "versionId"], ["identifier", 0, "value"], ["name", 0, "family"], ["address", 0, "period", "start"],
                ["extension", 0, "url"], ["extension", 0, "extension", 0, "valueCodeableConcept", "coding", 0, "display"]],
    "RelatedPerson": [["total"], ["entry", 0, "fullUrl"], ["entry", 0, "resource", "relationship"], ["entry", 0, "resource", "patient", "type"],
                      ["entry", 0, "resource", "relationship", 0, "coding", 0, "display"]],
    "search": [["entry"], ["entry", 0, "search", "score"], ["entry", 0, "resource", "id"]],
    "OperationOutcome": [["issue"], ["issue", 0, "severity"], ["issue", 0, "details", "coding", 0, "display"]],
}


def self_test(good):
    """Damages valid answers; returns their number, and those that still pass."""
    count, passed = 0, []
    for kind, (value, check) in good.items():
        for where, other in spoiled(value):
            count += 1
            if not check(other, kind):
                passed.append(f"{kind}{where} may be spoiled")
        for path in REQUIRED[kind]:
            other = copy.deepcopy(value)
            inner = other
            for step in path[:-1]:
                inner = inner[step]
            del inner[path[-1]]
            count += 1
            if not check(other, kind):
                passed.append(f"{kind}: {path} may be missing")
    return count, passed


def run(binary, register, *switches, named=None):
    answers = {}
    plain = [person for person in register if not any(person[name] for name in ("SENSITIVE_FLAG", "SUPERSEDED_BY", "ANSWER"))]
    for person, (code, by_number) in zip(plain, CHOSEN):
        answers[person["NHS_NUMBER"]] = (code, by_number)
    chosen = [f"--answer={number}={code}" for number, (code, _) in answers.items()]
    process = subprocess.Popen([binary, "simulator", *switches, *chosen], stdout=subprocess.PIPE, text=True)
    try:
        addresses = dict(process.stdout.readline().split() for _ in ("smsp", "fhir", "token"))
        api = Api(addresses["fhir"], named)
        people(api, register)
        errors(api, answers, register)
        return api
    finally:
        process.terminate()
        process.wait()


def main():
    binary = sys.argv[1] if len(sys.argv) > 1 else "target/debug/nhs-pds"
    with open(sys.argv[2] if len(sys.argv) > 2 else "examples/data/register.csv", encoding="utf-8", newline="") as file:
        register = list(csv.DictReader(file))
    elsewhere = "https://elsewhere.example/R4"
    faults, count, codes = [], 0, set()
    for api in (run(binary, register), run(binary, register, "--full-records"),
                run(binary, register, "--full-records", f"--fhir-base={elsewhere}", named=elsewhere)):
        faults += api.faults
        count += api.count
        codes |= api.codes
    # 403 INVALID_VALUE and INVALID_METHOD need an application's token; the tests of the library cover them.
    missing = ERRORS.keys() - codes
    if missing:
        faults.append(f"never answered: {sorted(missing)}")
    kinds = REQUIRED.keys() - api.good.keys()
    spoils, passed = self_test(api.good)
    faults += [f"nothing good of {kind}" for kind in kinds] + passed
    for fault in faults[:40]:
        print(fault)
    print(f"{count} answers, {len(codes)} errors of the API, {spoils} spoiled answers: {len(faults)} faults")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
