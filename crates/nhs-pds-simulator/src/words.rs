//! Names for invented people. Orders and lengths must not change, because seeds depend on them.

/// Given names of men, as common in English registers of the last century.
pub(super) const MALE: &str = "
Aaron Abdul Abraham Adam Adrian Ahmed Aidan Alan Albert Alexander Alfie Alfred Ali Andrew Angus
Anthony Archie Arthur Ashley Barry Basil Ben Benjamin Bernard Bilal Brandon Brendan Brian Bruce
Callum Cameron Carl Cecil Charles Charlie Chidi Christian Christopher Clifford Clive Colin Connor
Craig Cyril Damian Daniel Darren David Dean Declan Denis Derek Desmond Dominic Donald Douglas
Duncan Dylan Edgar Edmund Edward Elijah Elliot Emmanuel Eric Ernest Ethan Evan Ewan Felix Finlay
Francis Frank Fraser Frederick Gareth Gary Geoffrey George Gerald Gethin Gilbert Glen Gordon
Graham Gregory Guy Hamza Harold Harry Harvey Hassan Henry Herbert Howard Hugh Ian Ibrahim Imran
Isaac Ivan Jack Jacob Jake James Jamie Jason Jermaine Jerome Joel John Jonathan Jordan Joseph
Joshua Julian Karl Keith Kenneth Kevin Kieran Kofi Kwame Lance Laurence Lee Leonard Leroy Leslie
Lewis Liam Lloyd Louis Lucas Luke Malcolm Marcus Mark Martin Matthew Maurice Max Michael Mohammed
Nathan Neil Nigel";

/// Given names of women, as common in the same registers.
pub(super) const FEMALE: &str = "
Abigail Ada Agnes Aisha Alexandra Alice Alison Amanda Amelia Amina Amy Angela Anita Ann Anna Annie
Audrey Barbara Beatrice Bernadette Beryl Bethany Betty Beverley Brenda Bridget Bronwen Carol
Caroline Catherine Cerys Charlotte Chloé Christine Clara Claire Constance Cynthia Daisy Daphne
Dawn Deborah Denise Diana Doreen Doris Dorothy Edith Edna Eileen Elaine Eleanor Elizabeth Ella
Ellen Elsie Emily Emma Enid Esther Ethel Eunice Eve Evelyn Fatima Fiona Florence Frances Freda
Gemma Georgina Geraldine Gillian Gladys Glenys Gloria Grace Gwendoline Hannah Harriet Hazel Heather
Helen Hilary Hilda Ida Imogen Ingrid Irene Iris Isabel Ivy Jacqueline Jane Janet Janice Jasmine
Jean Jennifer Jessica Jill Joan Joanna Josephine Joyce Judith Julia June Karen Katherine Kathleen
Katie Kelly Khadija Lakshmi Laura Lauren Leah Lillian Linda Lisa Lorna Louise Lucy Lydia Lynn
Mabel Madeleine Margaret Maria Marian Marjorie Marlene Mary Maureen Mavis Megan Melanie Mildred
Minnie Miriam Moira Molly Muriel Myrtle Nadia Naomi Natalie Ngozi Nicola Nora Olive Olivia Zoë";

/// Family names, some with apostrophes, hyphens and accents.
pub(super) const FAMILY: &str = "
Abbott Adams Addison Ahmed Akhtar Ali Allen Anderson Andrews Appleby Armstrong Arnold Ashworth
Atkinson Bailey Baker Baldwin Ball Banks Barker Barnes Barrett Bates Begum Bell Bennett Berry
Birch Blackburn Booth Bradshaw Brennan Brooks Broughton Brown Burgess Burton Butler Byrne Campbell
Carter Chambers Chandler Chapman Charles Chaudhry Clarke Cole Coleman Collins Cook Cooper Cox
Cunningham Curtis Dalton Davies Dawson Dixon Doyle Duncan Dunn Edwards Elliott Ellis Evans
Fawcett Ferguson Fernández Fisher Fitzgerald Fletcher Ford Foster Fox Francis Fraser Freeman
French Gallagher Gardner George Gibson Gill Gordon Graham Grant Gray Green Griffiths Hall Hamilton
Hardcastle Harper Harris Harrison Hart Harvey Hawkins Hayes Henderson Higgins Hill Hodgson Holland
Holmes Howard Hudson Hughes Hunt Hussain Ibrahim Jackson James Jenkins Johnson Jones Jordan Kaur
Kelly Kennedy Khan Kiely King Knight Kovačević Lambert Lawson Lee Lewis Lloyd Lockwood Marsh
Marshall Martin Mason Matthews McCarthy McDonald Mills Mitchell Moore Morgan Morris Murphy Murray
Müller Newton Nguyen O'Brien O'Connor O'Donnell O'Hara O'Neill O'Sullivan Okafor Okoye Osei Owen
Palmer Parker Parry Patel Pearson Perry Phillips Powell Price Rahman Reid Reynolds Richards Roberts
Robinson Rogers Rose Ross Russell Ryan Saunders Scott Shah Shaw Simpson Singh Smith Stevens
Stewart Stone Sutton Taylor Thomas Thompson Turner Walker Walsh Ward Watson Webb West White
Wilkinson Williams Wilson Wood Wright Young Ashby-Cole Bowes-Lyle Carr-Gordon Day-Lowe
Ellis-Grant Hart-Davey Lane-Fox Pryce-Jones Rhys-Thorne Seton-Watts St.Clair De'Ath D'Souza";

/// The words of a list.
pub(super) fn words(list: &'static str) -> Vec<&'static str> {
    list.split_whitespace().collect()
}
