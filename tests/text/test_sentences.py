"""Sentences: marks that end them in many scripts, and the layout of lists, tables and wrapped prose."""

import textwrap
import time

import pytest
from layout_documents import ENGLISH, read

import rnner
from rnner.text.sentences import split_sentences
from rnner.text.tokenizer import tokenize


def sentences(text):
    return [" ".join(token.text for token in sentence) for sentence in split_sentences(text, tokenize(text))]


def starts(text):
    return {sentence[0].start for sentence in split_sentences(text, tokenize(text))}


def next_word(text, position):
    return position + len(text[position:]) - len(text[position:].lstrip())


@pytest.mark.parametrize("document", ENGLISH.split("\n====\n"))
def test_lines_begin_sentences_unless_prose_was_wrapped(document):
    text, spans, wraps = read(document)
    found = starts(text)
    for start, end, _ in spans:
        assert not found & set(range(start + 1, end)), text[start:end]
    breaks = [i for i, character in enumerate(text.rstrip()) if character == "\n"]
    missing = [text[i + 1 :] for i in breaks if i not in wraps and next_word(text, i) not in found]
    assert missing == []
    cut = [text[i + 1 :] for i in wraps if next_word(text, i) in found and text[i - 1] not in ".?!"]
    assert cut == []


PROSE = {
    "English": "The mayor of San Francisco said on Friday that the new bridge will be opened by Maria "
    "Lopez of General Electric, who was born in New York. Nobody from Los Angeles was invited "
    "to the party, although the builders had come from Santa Monica and Long Beach.",
    "German": "Die Bürgermeisterin von Bad Homburg hat am Freitag gesagt, dass die neue Brücke über den "
    "Main von Anna Schmidt eröffnet wird, die in New York geboren ist. Aus Frankfurt wurde "
    "niemand eingeladen, obwohl die Arbeiter der Deutschen Bahn alle aus dem Rhein-Main-Gebiet "
    "kommen.",
    "French": "La maire de La Rochelle a déclaré vendredi que le nouveau pont sera inauguré par Claire "
    "Dubois, qui est née à New York. Personne n'a été invité du Puy-de-Dôme, bien que les "
    "ouvriers de la Société Générale soient venus de Saint Étienne.",
    "Spanish": "La alcaldesa de San Sebastián dijo el viernes que el nuevo puente será inaugurado por "
    "Laura Gómez, que nació en Nueva York. Nadie de Las Palmas fue invitado, aunque los obreros"
    " vinieron de Santa Cruz.",
    "Russian": "Мэр Нижнего Новгорода сказала в пятницу, что новый мост откроет Мария Иванова, которая "
    "родилась в Нью Йорке. Никто из Великих Лук не был приглашён на праздник, хотя рабочие "
    "приехали из Старого Оскола.",
    "Turkish": "Belediye başkanı cuma günü yaptığı açıklamada yeni köprünün New York doğumlu Ayşe Yılmaz "
    "tarafından açılacağını söyledi. Kadıköy ilçesinden kimse davet edilmedi, ama işçiler Ege "
    "Denizi kıyısından geldi.",
    "Greek": "Η δήμαρχος της Νέας Σμύρνης είπε την Παρασκευή ότι τη νέα γέφυρα θα εγκαινιάσει η Μαρία "
    "Παπαδοπούλου, που γεννήθηκε στη Νέα Υόρκη. Κανείς από τον Άγιο Νικόλαο δεν προσκλήθηκε στη"
    " γιορτή.",
    "Arabic": "قالت رئيسة بلدية رأس الخيمة يوم الجمعة إن الجسر الجديد سيفتتحه محمد علي حسن الذي ولد في "
    "نيو يورك ولم يدع أحد من أبو ظبي إلى الحفل رغم أن العمال جاؤوا من أم القيوين.",
    "Hindi": "नई दिल्ली की महापौर ने शुक्रवार को कहा कि नए पुल का उद्घाटन न्यू यॉर्क में जन्मी"
    " मीरा शर्मा करेंगी। उत्तर प्रदेश से किसी को नहीं बुलाया गया, हालांकि मज़दूर मध्य"
    " प्रदेश से आए थे।",
    "Korean": "시장은 금요일에 새 다리를 뉴욕에서 태어난 김 민수 씨가 열 것이라고 말했다. 공사를 맡은"
    " 현대 건설 직원들은 부산과 대구에서 왔지만 서울 시청 사람은 아무도 초대받지 못했다.",
    "Vietnamese": "Thị trưởng thành phố Hồ Chí Minh nói hôm thứ sáu rằng cây cầu mới sẽ do bà Nguyễn Thị Lan "
    "khánh thành, người sinh ra ở New York. Không ai từ Hà Nội được mời, dù thợ xây đến từ Đà "
    "Nẵng.",
}


@pytest.mark.parametrize("language", PROSE)
@pytest.mark.parametrize("heading", ["", "OSLO\n"])
def test_wrapped_prose_has_the_sentences_of_the_unwrapped_text(language, heading):
    text = PROSE[language]
    for width in range(40, 121):
        wrapped = textwrap.fill(text, width, break_long_words=False, break_on_hyphens=False)
        assert sentences(heading + wrapped)[bool(heading) :] == sentences(text), wrapped


def test_a_sentence_over_two_short_lines_was_wrapped():
    assert len(sentences("She moved to New\nYork last year.")) == 1
    assert len(sentences("works with Tom\nBrandt in Paris.\nShe moved to New\nYork last year.")) == 2
    assert len(sentences("Mayor of Lyon:\nAnna Schmidt.")) == 2
    assert len(sentences("the two guests were\nMaria Lopez\nAnna Schmidt.")) == 3


@pytest.mark.parametrize(
    "text",
    [
        "市长星期五说，新的大桥将由出生在纽约的王小明先生主持开通仪式。来自北京的工人们没有得到邀请，虽然他们建造了这座桥。",
        "金曜日に市長は、新しい橋を開通させるのはニューヨーク生まれの山田花子さんだと述べた。東京からは誰も招待されなかった。",
    ],
)
def test_prose_in_scripts_without_spaces_can_be_wrapped_anywhere(text):
    for width in range(14, 40):
        wrapped = "\n".join(text[i : i + width] for i in range(0, len(text), width))
        assert sentences(wrapped) == sentences(text), wrapped


LISTS = [
    "Teilnehmer:\nMaria Lopez\nThomas Brandt\nAnna Schmidt",
    "Присутствовали:\nМария Иванова\nПётр Сидоров\nАнна Смирнова",
    "Présents\nClaire Dubois\nJean Martin\nPaul Durand",
    "Παρόντες:\nΜαρία Παπαδοπούλου\nΝίκος Γεωργίου",
    "參加者\n王小明\n李四光\n張三",
    "参加者：\n山田　太郎\n佐藤花子\nアンナ・シュミット",
    "ผู้เข้าร่วม\nสมชาย ใจดี\nสมหญิง รักไทย",
    "الحضور:\nمحمد علي\nفاطمة حسن",
    "उपस्थित:\nमीरा शर्मा\nराम वर्मा",
    "참석자\n김민수\n이영희",
    "המשתתפים:\nמיכל לוי\nדוד כהן",
]


@pytest.mark.parametrize("text", LISTS)
@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r", "\u2028", "\n \n"])
def test_each_line_of_a_list_is_a_sentence(text, line_break):
    lines = text.split("\n")
    assert sentences(line_break.join(lines)) == [" ".join(sentences(line)) for line in lines]


@pytest.mark.parametrize(
    "marker",
    [
        "-",
        "*",
        "•",
        "–",
        "+",
        "1.",
        "12)",
        "(3)",
        "a.",
        "b)",
        "iv.",
        "(iv)",
        "[4]",
        "②",
        "##",
        "・",
        "（一）",
        "一、",
        "１．",
    ],
)
def test_list_markers_begin_a_sentence(marker):
    item = f"{marker} we met the new head of the bank and of the"
    assert len(sentences(f"we will talk to some people from the city:\n{item}\n{item}\n{item} bank.")) == 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Maria Lopez\tParis\tAcme\nTom\t\tOslo", ["Maria Lopez", "Paris", "Acme", "Tom", "Oslo"]),
        ("| Maria Lopez | Paris |", ["|", "Maria Lopez", "|", "Paris", "|"]),
        ("Maria Lopez | Paris", ["Maria Lopez", "|", "Paris"]),
        ("Maria Lopez   Paris", ["Maria Lopez", "Paris"]),
        ("\tMaria  Lopez of Paris\t", ["Maria Lopez of Paris"]),  # not between words
        ("a|b || c", ["a | b || c"]),
        ("Title\n=====\nMaria\fOslo", ["Title", "=====", "Maria", "Oslo"]),
    ],
)
def test_cells_of_tables_and_rules_are_sentences(text, expected):
    assert sentences(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "行く。「そうだ。」大阪も！（本当？）はい｡ﾊｲ",
            ["行 く 。", "「 そ う だ 。 」", "大 阪 も ！", "（ 本 当 ？ ）", "は い ｡", "ﾊ ｲ"],
        ),
        ("यह दिल्ली है। वह आगरा है॥ ठीक", ["यह दिल्ली है ।", "वह आगरा है ॥", "ठीक"]),
        ("هل أنت بخير؟ نعم. یہ ہے۔ وہ", ["هل أنت بخير ؟", "نعم .", "یہ ہے ۔", "وہ"]),
        ("Սա Երևանն է։ Իսկ դա", ["Սա Երևանն է ։", "Իսկ դա"]),
        ("ይህ አዲስ አበባ ነው። ያ ነው፧ አዎ", ["ይህ አዲስ አበባ ነው ።", "ያ ነው ፧", "አዎ"]),
        ("ភ្នំពេញ។ ខ្ញុំ", ["ភ្នំ ពេ ញ ។", "ខ្ញុំ"]),
        ("ရန်ကုန်။ ကျ", ["ရ န် ကု န် ။", "ကျ"]),
        ("„Das ist gut.“ Anna ging. «Да.» Он", ["„ Das ist gut . “", "Anna ging .", "« Да . »", "Он"]),
        ("He said. “So?” ‘Yes.’ It", ["He said .", "“ So ? ”", "‘ Yes . ’", "It"]),
        ("สมชาย ใจดี ไป", ["ส ม ช า ย ใ จ ดี ไ ป"]),  # spaces are within Thai sentences
    ],
)
def test_full_stops_of_many_scripts_end_a_sentence(text, expected):
    assert sentences(text) == expected


@pytest.mark.parametrize(
    "unit", ["\n", "a\n", "A b\n", "\t", "a\t", "| ", "a   ", "- a\n", "the a\n", "1\r", "=\n"]
)
def test_no_layout_takes_more_than_linear_time(unit):
    text = unit * (20_000 // len(unit))
    tokens = tokenize(text)
    start = time.process_time()
    split_sentences(text, tokens)
    assert time.process_time() - start < 2


def test_the_bundled_model_finds_names_in_lists_and_tables():
    pipeline, correct, total = rnner.load("en"), 0, 0
    for text, spans, _ in map(read, ENGLISH.split("\n====\n")):
        found = {(entity.start, entity.end, entity.label) for entity in pipeline([text])[0]}
        correct += 2 * len(found & set(spans))
        total += len(found) + len(spans)
    assert correct / total > 0.95  # 0.78 before sentences ended at line breaks and cells
