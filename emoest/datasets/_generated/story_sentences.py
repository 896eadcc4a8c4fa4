"""Sentences of which the generated stories are told: what it is about, and how it went.

Every sentence of `OUTCOMES` has about ten words, so that the length of a text says nothing.
"""

TOPICS = {
    "garden": (
        "This is about the garden behind our house and the year we planted it again.",
        "I want to tell you about the apple trees that my grandfather left us.",
        "Let me tell you what happened in the garden on that long weekend.",
    ),
    "work": (
        "This is about the workshop where I worked for more than thirty years.",
        "I want to tell you about my last year behind the counter of the post office.",
        "Let me tell you what happened at the factory on the day of the inspection.",
    ),
    "family": (
        "This is about the summer when all my grandchildren stayed at our house.",
        "I want to tell you about my brother and the visit he made after so many years.",
        "Let me tell you what happened at the table when the whole family came together.",
    ),
    "journey": (
        "This is about the train journey that we made to the coast one spring.",
        "I want to tell you about the week in the mountains with our old friends.",
        "Let me tell you what happened on the road when we drove to the lake.",
    ),
    "neighbors": (
        "This is about the people who lived next door to us for half my life.",
        "I want to tell you about the new family that moved into the house across the street.",
        "Let me tell you what happened in our street when they rebuilt the bridge.",
    ),
    "music": (
        "This is about the choir where I have been singing since I was a young woman.",
        "I want to tell you about the old piano that we bought from the school.",
        "Let me tell you what happened on the evening of our concert in the town hall.",
    ),
}

PEOPLE = (
    "my sister",
    "my neighbor",
    "my daughter",
    "my husband",
    "my old friend",
    "my cousin",
    "the doctor",
    "the teacher",
)

OUTCOMES = {
    -1: (
        "It broke my heart, and I cried about it every night.",
        "{person} hurt me so badly that I could not forgive it.",
        "I felt lonely and miserable, and nobody came to help me.",
        "It was a terrible loss, and the sorrow never really left.",
        "Everything went wrong, and I was ashamed of my own failure.",
        "I was bitterly disappointed when {person} betrayed my trust like that.",
        "We lost all our savings, and the worry made me sick.",
        "I have regretted it ever since, with so much painful guilt.",
        "It was the saddest day of my life, dark and hopeless.",
        "{person} was cruel to me, and I suffered for months afterward.",
        "I was afraid and desperate, and I saw no way out.",
        "The news was awful, and my grief was hard to bear.",
        "I felt worthless and unwanted, like something that people throw away.",
        "It ended in a horrible quarrel that ruined the whole family.",
        "The pain was dreadful, and {person} only made it worse.",
        "I hated every minute there, and I was deeply unhappy.",
    ),
    0: (
        "{person} came by in the afternoon and stayed until about six.",
        "We sat at the table and talked about the usual things.",
        "There were two rooms upstairs and a small kitchen below them.",
        "I wrote the dates into a notebook that I still keep.",
        "It took about three weeks until all the papers were ready.",
        "{person} carried the boxes in and put them beside the door.",
        "We usually went on Tuesdays, because the office was closed on Mondays.",
        "The bus stopped at the corner, and we walked from there.",
        "I remember that there was a blue cupboard in the hall.",
        "{person} asked for the address, and I wrote it on paper.",
        "It was a day in March, with some clouds and wind.",
        "We made a list of everything and checked it two times.",
        "They changed the timetable, and so we took the later train.",
        "I put the letter into the drawer with the other letters.",
        "{person} measured the wall and then ordered the wood for it.",
        "After lunch we washed the dishes and opened the kitchen window.",
    ),
    1: (
        "It made me so happy that I laughed the whole evening.",
        "{person} hugged me, and I felt loved and proud and grateful.",
        "It was wonderful, the most beautiful day of my whole life.",
        "We celebrated with cake and music, and everybody was delighted.",
        "I was full of joy, and my heart was light again.",
        "{person} surprised me with a lovely gift that I still treasure.",
        "Everything turned out perfectly, better than I had ever hoped.",
        "I am thankful for that happy time and smile about it.",
        "We had such fun together, and we giggled like little children.",
        "It was a great success, and {person} was proud of me.",
        "I felt warm and safe and content, surrounded by good people.",
        "What a marvelous moment it was, so tender and so kind.",
        "The good news was a gift, and we danced with delight.",
        "{person} praised me warmly, and I enjoyed every minute of it.",
        "I loved it with all my heart, and I still do.",
        "We won the first prize, and I was glad and cheerful.",
    ),
}
