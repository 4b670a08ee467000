//! Addresses for invented people: common street names, and towns with their postcode areas. Orders and
//! lengths must not change, because seeds depend on them.

/// Names of streets.
pub(super) const STREETS: [&str; 40] = [
    "Acacia Avenue",
    "Albert Road",
    "Alma Street",
    "Ash Grove",
    "Beech Close",
    "Bridge Street",
    "Brook Lane",
    "Cambridge Road",
    "Castle Street",
    "Chapel Lane",
    "Cherry Tree Walk",
    "Church Road",
    "Clarence Gardens",
    "Coronation Road",
    "Cross Street",
    "Durham Close",
    "Elm Drive",
    "Fairview",
    "Garden Terrace",
    "George Street",
    "Grange Road",
    "Green Lane",
    "Hawthorn Way",
    "Hill Rise",
    "King Street",
    "Kingsway",
    "London Road",
    "Manor Road",
    "Meadow View",
    "Mill Lane",
    "Nelson Street",
    "North Parade",
    "Oak Avenue",
    "Orchard Close",
    "Park Road",
    "Queen's Road",
    "School Lane",
    "St Mary's Crescent",
    "Station Road",
    "Victoria Street",
];

/// Names of houses and blocks.
pub(super) const PREMISES: [&str; 16] = [
    "Rose Cottage",
    "The Old Forge",
    "Ivy House",
    "The Cedars",
    "Laurel Court",
    "Windsor House",
    "The Willows",
    "Primrose Lodge",
    "Jubilee Court",
    "Orchard House",
    "Mill View",
    "The Limes",
    "Beaumont Court",
    "Holly Bank",
    "Lavender Lodge",
    "Trinity House",
];

/// Parts of towns.
pub(super) const LOCALITIES: [&str; 12] = [
    "Northgate",
    "Southfield",
    "Westbrook",
    "Eastcote",
    "Little Heath",
    "Upper Green",
    "Lower Green",
    "Oldfield",
    "Newtown",
    "The Ridings",
    "Moorside",
    "Parkside",
];

/// A post town.
pub(super) struct Town {
    pub(super) name: &'static str,
    pub(super) county: &'static str,
    /// The postcode area, and its districts in the town.
    pub(super) area: &'static str,
    pub(super) districts: &'static [u64],
}

const fn town(
    name: &'static str,
    county: &'static str,
    area: &'static str,
    districts: &'static [u64],
) -> Town {
    Town { name, county, area, districts }
}

/// Post towns.
pub(super) const TOWNS: [Town; 24] = [
    town("Romford", "Essex", "RM", &[1, 2, 3, 5, 7]),
    town("Hornchurch", "Essex", "RM", &[11, 12]),
    town("Upminster", "Essex", "RM", &[14]),
    town("Rainham", "Essex", "RM", &[13]),
    town("Epsom", "Surrey", "KT", &[17, 18, 19]),
    town("Leatherhead", "Surrey", "KT", &[22]),
    town("Sutton", "Surrey", "SM", &[1, 2, 3]),
    town("Croydon", "Surrey", "CR", &[0, 2, 9]),
    town("Leeds", "West Yorkshire", "LS", &[1, 6, 8, 9, 12, 17]),
    town("Bradford", "West Yorkshire", "BD", &[1, 3, 5, 9]),
    town("Sheffield", "South Yorkshire", "S", &[2, 5, 8, 10, 11]),
    town("Manchester", "Greater Manchester", "M", &[8, 11, 13, 19, 20]),
    town("Bolton", "Greater Manchester", "BL", &[1, 2, 3]),
    town("Bristol", "Avon", "BS", &[3, 5, 7, 16]),
    town("Exeter", "Devon", "EX", &[1, 2, 4]),
    town("Plymouth", "Devon", "PL", &[1, 2, 4, 6]),
    town("Norwich", "Norfolk", "NR", &[1, 2, 3, 5]),
    town("Ipswich", "Suffolk", "IP", &[1, 2, 3, 4]),
    town("Derby", "Derbyshire", "DE", &[1, 3, 22, 23]),
    town("Nottingham", "Nottinghamshire", "NG", &[1, 3, 5, 7, 9]),
    town("Leicester", "Leicestershire", "LE", &[1, 2, 3, 4, 5]),
    town("Durham", "County Durham", "DH", &[1]),
    town("Carlisle", "Cumbria", "CA", &[1, 2, 3]),
    town("Bournemouth", "Dorset", "BH", &[1, 5, 8, 9]),
];

/// GP practices: codes in the form of the Organisation Data Service, and names.
pub(super) const PRACTICES: [(&str, &str); 16] = [
    ("Z99001", "Albert Road Surgery"),
    ("Z99002", "The Bridge Medical Centre"),
    ("Z99003", "Castle Street Practice"),
    ("Z99004", "Cherry Tree Surgery"),
    ("Z99005", "Church Road Health Centre"),
    ("Z99006", "Elm Drive Surgery"),
    ("Z99007", "Grange Medical Practice"),
    ("Z99008", "Green Lane Surgery"),
    ("Z99009", "Kingsway Medical Centre"),
    ("Z99010", "Manor Park Practice"),
    ("Z99011", "Meadow View Surgery"),
    ("Z99012", "Northgate Health Centre"),
    ("Z99013", "Orchard Close Surgery"),
    ("Z99014", "Parkside Practice"),
    ("Z99015", "Station Road Surgery"),
    ("Z99016", "Victoria Street Medical Group"),
];
