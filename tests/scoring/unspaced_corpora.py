"""Sentences in Chinese, Japanese and Thai, with one token per character, written for these tests."""

import random
import re

import regex

_TOKEN = regex.compile(r"[A-Za-z]+|\p{Nd}+|(?!\s)\X")  # words of Latin letters and numbers stay whole
_ENTITY = re.compile(r"\[(PER|LOC|ORG) ([^\]]*)\]")

_CHINESE = """
{p}昨天从{l}飞往{m}，参加{o}的年会。
{o}的负责人{p}说：“我们会在{l}开一家新店。”
据{o}报道，{l}今年的气温比{m}低3度。
{p}和{q}是大学同学，毕业后都留在了{l}。
记者{p}在{l}采访了{o}的工程师。
2019年，{p}离开{o}，回到{l}教书。
{l}到{m}的高铁只要4个小时。
{o}宣布与{r}合作，在{l}建立研究中心。
你知道{p}现在住在{l}还是{m}吗？
{p}（{o}经理）表示，iPhone的价格不会上涨。
下雨了，{p}还没有回家。
我买了两本{p}写的书，一本送给了{q}。
昨晚的比赛里，{o}以3比1战胜了{r}。
{l}的夏天很热，可是{p}不想去{m}。
“{q}，你到{l}了吗？”{p}在电话里问。
{o}在{l}的工厂有5000名工人。
会议由{p}主持，{q}做了报告。
很多人认为{l}的面条比{m}的好吃。
{p}的母亲出生在{l}，父亲是{m}人。
{o}成立于1998年，总部设在{l}。
他在网上看到{o}的广告，就给{p}打了电话。
今天没有什么新闻。
这家店的咖啡比以前贵了5元。
学生们在图书馆里安静地看书。
从{l}出发以后，{p}先到{m}，再到海边。
{r}起诉{o}，案件将在{l}审理。
{p}获得了{o}颁发的奖项，奖金10万元。
有人说{q}已经去了{l}，也有人说没有。
《{l}日记》的作者{p}今年80岁。
{o}的网站是www.example.cn，联系人是{q}。
"""
_PEOPLE = """
王小明 李芳 张伟 刘洋 陈静 杨丽华 赵国强 黄海波 周杰 吴敏
徐志远 孙悦 马晓东 朱文 胡雪梅 郭建军 何冰 高天 林语 罗成
"""
_PLACES = """
北京 上海 广州 深圳 杭州 南京 成都 武汉 西安 重庆
天津 青岛 大连 厦门 苏州 昆明 哈尔滨 呼和浩特 拉萨 香港
"""
_FIRMS = """
东方银行 华星集团 长城汽车 新天地公司 北方大学 海风电视台
南山医院 金桥科技 白云航空 红日报社 IBM Google
"""

_JAPANESE = """
[PER 山田花子]さんは[LOC 東京]の[ORG 青空銀行]で働いている。
[PER 佐藤健一]は昨日、[LOC 大阪]から[LOC 京都]へ引っ越した。
[ORG 日の出電機]の社長、[PER 鈴木一郎]氏が会見を開いた。
[LOC 札幌]ではもう雪が降っています。
「[PER 田中]さん、[LOC 福岡]に着きましたか？」
2018年に[ORG 桜大学]を卒業し、[LOC パリ]に留学した。
[PER マリア・ロペス]は[LOC スペイン]の作家だ。
今日はパーティーへ行きません。
[ORG ソラテック]が[LOC 名古屋]に新しい工場を建てる。
[PER 高橋由美]と[PER 渡辺翔]は[LOC 横浜]で会った。
人々は駅の前で[PER 伊藤]先生を待っていた。
[LOC 沖縄]の海はきれいで、[LOC ハワイ]のようだ。
[ORG NHK]のニュースによると、明日は晴れるそうです。
[PER 中村]さんのTシャツは3000円でした。
[LOC 東京]・[LOC 渋谷]の店は10時に開く。
この本は[PER 小林さくら]が書いた。
[ORG 海山商事]は、[LOC 神戸]の支店を閉じると発表した。
私はコーヒーより紅茶が好きだ。
[PER アンナ]は[LOC ベルリン]から来た留学生です。
[LOC 広島]行きの電車が20分おくれている。
"""
_THAI = """
[PER สมชาย ใจดี]เดินทางไป[LOC เชียงใหม่]เมื่อวานนี้
[ORG ธนาคารไทยทอง]เปิดสาขาใหม่ที่[LOC ภูเก็ต]
นาง[PER มาลี]อาศัยอยู่ใน[LOC กรุงเทพ]กับลูกสาวสองคน
วันนี้ฝนตกหนักทั่ว[LOC ภาคใต้]
[PER วิชัย]ทำงานที่[ORG บริษัทฟ้าใหม่]มา 10 ปี
ผู้จัดการ[ORG โรงแรมริมน้ำ]ชื่อ[PER สุดา รักเรียน]
เขาซื้อ iPhone เครื่องใหม่ราคา 30000 บาท
[PER ประเสริฐ]เกิดที่[LOC ขอนแก่น] แต่โตที่[LOC อุดรธานี]
[ORG มหาวิทยาลัยเหนือ]จัดงานที่[LOC ลำปาง]ในปี ๒๕๖๓
ฉันชอบดื่มกาแฟตอนเช้า
[PER นภา]กับ[PER กานดา]ไปเที่ยว[LOC ญี่ปุ่น]ด้วยกัน
รถไฟจาก[LOC หาดใหญ่]ถึง[LOC กรุงเทพ]ช้า 2 ชั่วโมง
[ORG ทีมเสือดำ]ชนะ[ORG ทีมช้างขาว] 3 ต่อ 1
หมอ[PER อารี]ย้ายจาก[LOC สงขลา]ไป[LOC ระยอง]
ไม่มีใครรู้ว่า[PER สมศักดิ์]อยู่ที่ไหน
[ORG Google]เปิดสำนักงานใน[LOC กรุงเทพ]
ครู[PER วราภรณ์]สอนภาษาอังกฤษที่[LOC ตรัง]
พวกเรากินข้าวแล้วก็กลับบ้าน
[LOC เชียงราย]หนาวกว่า[LOC พัทยา]มาก
[PER ธนา]เขียนจดหมายถึง[ORG กระทรวงพาณิชย์]
"""


def chinese(count, seed=1):
    """Return this many annotated sentences, made of 30 patterns and 52 names."""
    draw = random.Random(seed)
    patterns, people, places, firms = _CHINESE.split(), _PEOPLE.split(), _PLACES.split(), _FIRMS.split()

    def sentence(pattern):
        drawn = [name for names in (people, places, firms) for name in draw.sample(names, 2)]
        labels = ["PER", "PER", "LOC", "LOC", "ORG", "ORG"]
        marked = [f"[{label} {name}]" for label, name in zip(labels, drawn, strict=True)]
        return pattern.format(**dict(zip("pqlmor", marked, strict=True)))

    return [sentence(patterns[i % len(patterns)]) for i in range(count)]


def japanese():
    """Return 20 annotated sentences."""
    return _JAPANESE.strip().split("\n")


def thai():
    """Return 20 annotated sentences."""
    return _THAI.strip().split("\n")


def columns(sentences):
    """Return annotated sentences as a column file, one token per line."""
    return "\n".join("".join(_rows(sentence)) for sentence in sentences)


def _rows(sentence):
    position = 0
    for match in [*_ENTITY.finditer(sentence), None]:
        for token in _TOKEN.findall(sentence[position : match.start() if match else None]):
            yield f"{token}\tO\n"
        if match:
            first, *others = _TOKEN.findall(match[2])
            yield f"{first}\tB-{match[1]}\n" + "".join(f"{token}\tI-{match[1]}\n" for token in others)
            position = match.end()


def text(sentence):
    """Return an annotated sentence as a record with its text and its labels."""
    plain, labels, position = "", [], 0
    for match in _ENTITY.finditer(sentence):
        plain += sentence[position : match.start()]
        labels.append([len(plain), len(plain) + len(match[2]), match[1]])
        plain, position = plain + match[2], match.end()
    return {"text": plain + sentence[position:], "label": labels}
