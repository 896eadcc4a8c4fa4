"""German and Chinese sentences of which the generated stories are told.

`story_sentences` has the English ones; the topics are the same.
"""

from emoest.datasets._generated.story_sentences import OUTCOMES, PEOPLE, TOPICS

_GERMAN_TOPICS = {
    "garden": ("Ich erzähle vom Garten hinter unserem Haus und wie wir ihn neu bepflanzt haben.",),
    "work": ("Ich erzähle von der Werkstatt, in der ich dreißig Jahre gearbeitet habe.",),
    "family": ("Ich erzähle von dem Sommer, in dem alle Enkel bei uns wohnten.",),
    "journey": ("Ich erzähle von der Reise mit dem Zug, die wir an die Küste machten.",),
    "neighbors": ("Ich erzähle von den Leuten, die lange Zeit neben uns wohnten.",),
    "music": ("Ich erzähle von dem Chor, in dem ich seit meiner Jugend singe.",),
}

_GERMAN_PEOPLE = (
    "meine Schwester",
    "mein Nachbar",
    "meine Tochter",
    "mein Mann",
    "mein alter Freund",
    "meine Cousine",
    "der Arzt",
    "die Lehrerin",
)

_GERMAN_OUTCOMES = {
    -1: (
        "Es brach mir das Herz, und ich weinte jede Nacht.",
        "{person} hat mich so verletzt, dass ich es nie verzeihen konnte.",
        "Ich war einsam und elend, und niemand kam mir zu Hilfe.",
        "Es war ein schrecklicher Verlust, und die Trauer blieb für immer.",
        "Alles ging schief, und ich schämte mich sehr dafür.",
        "Ich war bitter enttäuscht, denn {person} hatte mich verraten.",
        "Wir verloren alles, und die Sorgen machten mich krank.",
        "Es war der traurigste Tag in meinem Leben, ohne jede Hoffnung.",
        "Ich hatte große Angst und sah keinen Ausweg mehr.",
        "Der Streit war furchtbar und hat die Familie zerstört.",
    ),
    0: (
        "{person} kam am Nachmittag vorbei und blieb bis sechs Uhr.",
        "Wir saßen am Tisch und redeten über die üblichen Dinge.",
        "Oben gab es zwei Zimmer und unten eine kleine Küche.",
        "Ich schrieb die Termine in ein Heft, das ich noch habe.",
        "Es dauerte drei Wochen, bis alle Papiere fertig waren.",
        "{person} trug die Kisten hinein und stellte sie neben die Tür.",
        "Der Bus hielt an der Ecke, und von dort gingen wir zu Fuß.",
        "Es war ein Tag im März mit Wolken und etwas Wind.",
        "Wir machten eine Liste und prüften sie zwei Mal.",
        "Nach dem Essen spülten wir ab und öffneten das Fenster.",
    ),
    1: (
        "Es machte mich so glücklich, dass ich den ganzen Abend lachte.",
        "{person} umarmte mich, und ich war stolz und dankbar.",
        "Es war wunderbar, der schönste Tag in meinem Leben.",
        "Wir feierten mit Kuchen und Musik, und alle waren begeistert.",
        "Ich war voller Freude, und mein Herz war wieder leicht.",
        "{person} überraschte mich mit einem herrlichen Geschenk.",
        "Alles gelang uns, viel besser als ich gehofft hatte.",
        "Wir hatten so viel Spaß und kicherten wie kleine Kinder.",
        "Ich fühlte mich geborgen und zufrieden unter guten Menschen.",
        "Wir gewannen den ersten Preis, und ich war sehr froh.",
    ),
}

_CHINESE_TOPICS = {
    "garden": ("我想讲讲我家后面的花园和我们重新种花的那一年。",),
    "work": ("我想讲讲我工作了三十年的那个工厂。",),
    "family": ("我想讲讲孙子孙女都住在我家的那个夏天。",),
    "journey": ("我想讲讲那年春天我们坐火车去海边的旅行。",),
    "neighbors": ("我想讲讲在我家隔壁住了很久的那一家人。",),
    "music": ("我想讲讲我从年轻时就参加的那个合唱团。",),
}

_CHINESE_PEOPLE = (
    "我姐姐",
    "我的邻居",
    "我女儿",
    "我丈夫",
    "我的老朋友",
    "我表哥",
    "医生",
    "老师",
)

_CHINESE_OUTCOMES = {
    -1: (
        "我的心都碎了，每天晚上都在哭。",
        "{person}深深地伤害了我，我永远不能原谅。",
        "我又孤独又痛苦，没有人来帮助我。",
        "那是一个可怕的损失，悲伤一直没有离开我。",
        "什么事都不顺利，我觉得非常羞愧。",
        "{person}背叛了我的信任，我失望极了。",
        "我们失去了所有的积蓄，我愁得生病了。",
        "那是我一生中最难过的一天，没有一点希望。",
        "我害怕又绝望，看不到任何出路。",
        "那次可怕的争吵毁了我们全家。",
    ),
    0: (
        "{person}下午来了，一直坐到六点。",
        "我们坐在桌子旁边，谈了一些平常的事情。",
        "楼上有两个房间，楼下有一个小厨房。",
        "我把日期写在一个本子里，现在还留着。",
        "所有的文件大概用了三个星期才办好。",
        "{person}把箱子搬进来，放在门旁边。",
        "公共汽车停在路口，我们从那里走过去。",
        "那是三月的一天，有一点云，也有一点风。",
        "我们列了一张清单，又检查了两遍。",
        "吃完午饭，我们洗了碗，打开了窗户。",
    ),
    1: (
        "我高兴极了，整个晚上都在笑。",
        "{person}拥抱了我，我觉得又骄傲又感激。",
        "太美好了，那是我一生中最美丽的一天。",
        "我们吃蛋糕，听音乐，大家都非常开心。",
        "我的心里充满了快乐，又变得轻松了。",
        "{person}送给我一个可爱的礼物，让我很惊喜。",
        "一切都很顺利，比我希望的还要好。",
        "我们玩得真开心，像小孩子一样笑个不停。",
        "我觉得温暖又安心，身边都是善良的人。",
        "我们得了第一名，我又高兴又自豪。",
    ),
}

STOCKS = {
    "en": (TOPICS, PEOPLE, OUTCOMES, " "),
    "de": (_GERMAN_TOPICS, _GERMAN_PEOPLE, _GERMAN_OUTCOMES, " "),
    "zh": (_CHINESE_TOPICS, _CHINESE_PEOPLE, _CHINESE_OUTCOMES, ""),
}
"""By language: openings by topic, people, sentences by mood, and what stands between sentences."""
