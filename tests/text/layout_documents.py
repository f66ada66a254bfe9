"""Lists, tables, e-mails and wrapped prose with their entities, written for these tests.

In a document, `[PER Ada Lovelace]` marks an entity. Documents are separated by ====. A first line `@wrap 60`
wraps the paragraphs of the document at 60 columns. Elsewhere every line break is meant to begin a sentence,
unless the line before it ends with ~.
"""

import textwrap

import regex

_ENTITY = regex.compile(r"\[(PER|LOC|ORG) ([^\]]*)\]")

ENGLISH = """
Attendees:
[PER Maria Lopez]
[PER Tom Brandt]
[PER Anna Schmidt]
====
Participants

[PER Peter Novak], [ORG Siemens]
[PER Laura Rossi], [ORG Fiat]
[PER John Miller], [ORG Boeing]
====
[PER Susan Clark]
[PER David Wilson]
[PER Karen Young]
[PER Robert Hill]
====
Speakers for Friday
[PER Emma Johnson]
[PER Mark Davies]
[PER Helen Baker]
Location: [LOC Manchester]
====
Cities we visited:
[LOC Paris]
[LOC Madrid]
[LOC Vienna]
[LOC New York]
====
[LOC Berlin]
[LOC Germany]
[LOC Vienna]
[LOC Austria]
====
Sponsors
[ORG Microsoft]
[ORG Toyota]
[ORG Deutsche Bank]
[ORG Nokia]
====
- [PER Maria Lopez]
- [PER Tom Brandt]
- [PER Anna Schmidt]
====
* Call [PER James Cook] about the contract
* Send the report to [PER Alice Brown]
* Book a hotel in [LOC Chicago]
====
• [PER Daniel Evans] (chair)
• [PER Sarah Moore]
• [PER Paul Green], [LOC London]
====
1. [PER Michael Scott]
2. [PER Jim Turner]
3. [PER Pamela Reed]
====
1) Fly to [LOC Tokyo]
2) Meet [PER Kenji Sato] at [ORG Sony]
3) Take the train to [LOC Osaka]
====
a) [LOC France]
b) [LOC Italy]
c) [LOC Spain]
====
(1) Minutes by [PER Laura White]
(2) Report of [PER Steven King]
(3) Any other business
====
Name\tCity
[PER Maria Lopez]\t[LOC Madrid]
[PER Tom Brandt]\t[LOC Hamburg]
[PER Anna Schmidt]\t[LOC Berlin]
====
Country\tCapital\tPresident
[LOC France]\t[LOC Paris]\t[PER Emmanuel Macron]
[LOC Portugal]\t[LOC Lisbon]\t[PER Marcelo Rebelo de Sousa]
====
[PER Rachel Adams]\t[ORG Google]\t[LOC London]
[PER Brian Cox]\t[ORG IBM]\t[LOC New York]
[PER Nina Weber]\t[ORG BMW]\t[LOC Munich]
====
Rank\tPlayer\tTeam
1\t[PER Lionel Messi]\t[ORG Barcelona]
2\t[PER Harry Kane]\t[ORG Tottenham]
====
[PER Maria Lopez]      [LOC Madrid]      manager
[PER Tom Brandt]       [LOC Hamburg]     engineer
[PER Anna Schmidt]     [LOC Berlin]      director
====
| Name | City |
|------|------|
| [PER Maria Lopez] | [LOC Madrid] |
| [PER Tom Brandt] | [LOC Hamburg] |
====
[PER Julia Stone] | [LOC Sydney]
[PER Oliver Grant] | [LOC Melbourne]
====
From: [PER Anna Schmidt]
To: [PER Tom Brandt]
Cc: [PER Maria Lopez]
Subject: Trip to [LOC Rome]
====
From: [PER George Harris] <george.harris@example.org>
To: [PER Linda Martin] <linda.martin@example.org>
Subject: Meeting in [LOC Boston] next week
Date: Mon, 3 May 2021 10:30:00 +0200

Dear [PER Linda],~
the meeting is on Tuesday.
Best regards,
[PER George Harris]
[ORG Boeing]
====
Thanks and see you on Monday!

Best wishes
[PER Peter Jackson]
[PER Claire Bennett]
====
Kind regards,

[PER Anna Schmidt]
Head of Sales
[ORG Volkswagen]
[LOC Wolfsburg]
[LOC Germany]
====
[PER Thomas Wright]
12 High Street
[LOC Oxford]
[LOC England]
====
Contact:
[PER Mary Collins]
Phone 020 7946 0018
[LOC Liverpool]
====
Mayor of [LOC London] meets president of [LOC France]
[LOC Italy] votes for new government
[PER Angela Merkel] visits [LOC Warsaw]
[ORG Toyota] to build plant in [LOC Texas]
====
Talks continue with [PER Angela Merkel]
[LOC Paris] expects more visitors this summer
[ORG Boeing] delays new plane
====
By [PER Sandra Phillips]
[LOC Washington]
The senate voted on Tuesday.
====
[LOC LONDON]
[PER Alex Morgan] reports
[ORG Barclays] cut 200 jobs on Monday.
====
Starring
[PER Tom Hanks]
[PER Meg Ryan]
[PER Billy Crystal]
Directed by
[PER Nora Ephron]
====
Final standings
1 [LOC Norway]
2 [LOC Germany]
3 [LOC Canada]
4 [LOC United States]
====
Group A: [LOC Brazil]
Group B: [LOC Argentina]
Group C: [LOC Spain]
====
Home team
[ORG Manchester United]
Away team
[ORG Real Madrid]
====
[PER Maria Lopez] joined [ORG Siemens] in 2010
[PER Tom Brandt] left [ORG Nokia]
[PER Anna Schmidt] moved to [LOC Vienna]
====
Q: Where do you live?
A: In [LOC Dublin]
Q: Who is your boss?
A: [PER Frank Murphy]
====
[PER ANNA]: I am going to [LOC Rome]
[PER TOM]: With [PER Peter]?
[PER ANNA]: No
====
Dear [PER Emily],~
we arrived in [LOC Lisbon] yesterday
[PER Charles] sends his love
Your sister
[PER Kate]
====
Board of directors

[PER William Ford]
[PER Jean Dupont]
[PER Carlos Ghosn]
====
Agenda

1. Welcome ([PER Helen Baker])
2. Budget ([PER Mark Davies])
3. New office in [LOC Dublin]
====
Departures
08:15 [LOC Amsterdam]
08:40 [LOC Brussels]
09:05 [LOC Copenhagen]
====
ship to
[PER Victoria Lane]
[LOC San Francisco]
[LOC California]
====
- Offices:
  - [LOC London]
  - [LOC New York]
- People:
  - [PER Maria Lopez]
  - [PER Tom Brandt]
====
Photo: [PER Greg Palmer]
Text: [PER Diane Fisher]
====
@wrap 56
The bank said on Monday that it will open an office in [LOC New York] and another in [LOC San \
Francisco], where [PER Maria Lopez] will lead a team of ten people.
====
@wrap 64
The president of [LOC France] met the prime minister of [LOC Italy] in [LOC Rome] before he flew on to \
[LOC Saudi Arabia], where he spoke with the managers of [ORG General Electric] and [ORG Siemens] about \
new power plants.
====
@wrap 72
After the game the coach praised [PER David Wilson], who had scored twice against [ORG Manchester \
United], and said that [PER Mark Davies] would be back in the team when they play in [LOC South Africa] \
in June.
====
@wrap 44
We drove from [LOC Los Angeles] to [LOC Las Vegas] and spent two nights with [PER Susan Clark] and her \
sister [PER Karen Young], who works there for the [ORG Bank of America].
====
@wrap 80
Police in [LOC Hong Kong] said the ship belonged to a company from [LOC New Zealand]. Its owner, [PER \
Robert Hill], did not answer calls on Friday. Two sailors from [LOC Sri Lanka] were taken to hospital in \
[LOC Singapore].
====
@wrap 60
[PER Emma Johnson] was born in [LOC Cape Town] and studied at [ORG Oxford University] with [PER Peter \
Novak]. Later she moved to [LOC Buenos Aires] and wrote three books about the history of [LOC Latin \
America].
====
@wrap 100
Shares of [ORG Deutsche Bank] fell by three per cent in [LOC Frankfurt], while those of [ORG Goldman \
Sachs] and [ORG Morgan Stanley] rose slightly in [LOC New York] after the report of the [ORG World Bank] \
on growth in [LOC East Asia].
====
@wrap 36
The train from [LOC Paris] to [LOC Milan] was late, so [PER John Miller] missed his meeting with [PER \
Laura Rossi] of [ORG Fiat] in the centre of [LOC Turin].
====
@wrap 68
Dear [PER Tom],

thank you for your letter. We would be glad to see you in [LOC San Diego] in May, and [PER Anna Schmidt] \
can pick you up at the airport. Please bring the plans for the new building in [LOC New Orleans] with \
you.

[PER Helen]
====
@wrap 50
The new museum was designed by [PER Norman Foster] and paid for by the [ORG Ford Foundation]. It stands \
on the river in [LOC St. Louis], close to the old station.
====
- [ORG Nokia] has sold its factory in [LOC South~
  Korea] to a competitor from [LOC Taiwan].
- [PER Laura White] will move to the office in [LOC New~
  York] at the end of the month.
====
Notes from the call with [PER James Cook] of [ORG Boeing]:
* the plant in [LOC South Carolina] will be closed for two weeks in [LOC~
  July].
* nobody has talked to [PER Steven King] yet.
====
@wrap 58
In the evening we walked through the old town of [LOC Tel Aviv] with [PER Daniel Evans], who had come \
from [LOC Jerusalem] by bus. He told us that [PER Sarah Moore] had moved to [LOC Costa Rica].
====
@wrap 76
The judge in [LOC Kuala Lumpur] said that [PER Brian Cox] had to pay two million dollars to [ORG \
Standard Chartered]. His lawyer, [PER Rachel Adams], will appeal to a higher court in [LOC Malaysia].
====
@wrap 40
the concert in [LOC Mexico City] was great and we met [PER Nina Weber] there, she says hi
====
@wrap 48
A group of students from [LOC Sierra Leone] visited the offices of the [ORG United Nations] in \
[LOC Geneva] on Thursday.
""".strip()


def read(document):
    """Return the text of a document, its entities as (start, end, label), and where lines were wrapped."""
    width, document = 0, document.strip("\n")
    if document.startswith("@wrap "):
        first, _, document = document.partition("\n")
        width = int(first.removeprefix("@wrap "))
    text, spans, wraps = "", [], []
    position = 0
    for match in _ENTITY.finditer(document):
        text += document[position : match.start()]
        spans.append((len(text), len(text) + len(match[2]), match[1]))
        text += match[2]
        position = match.end()
    text += document[position:]
    if width:
        lines = [
            textwrap.fill(line, width, break_long_words=False, break_on_hyphens=False)
            for line in text.split("\n")
        ]
        wrapped = "\n".join(lines)
        wraps = [i for i, (a, b) in enumerate(zip(text, wrapped, strict=True)) if a != b]
        return wrapped, spans, wraps
    return _remove_tildes(text, spans)


def _remove_tildes(text, spans):
    places = [i for i, character in enumerate(text) if character == "~"]

    def moved(position):
        return position - sum(place < position for place in places)

    wraps = [moved(place) for place in places]
    return text.replace("~", ""), [(moved(start), moved(end), label) for start, end, label in spans], wraps
