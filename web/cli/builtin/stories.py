# Makes the text that the built-in model learns from: stories, requests for them, questions about them, and a modest answer to all else.
# Run it to read some: python stories.py 5. The same seed gives the same text, with any Python from 3.10 on.
import random
import re
import sys

from plots import ENDINGS, FRIENDS, OPENINGS, PLOTS, PORTRAITS

USER, TELLER, END = "<|im_start|>user\n", "<|im_start|>assistant\n", "<|im_end|>\n"

HEROES = [("Suri", "she"), ("Wayra", "she"), ("Killa", "she"), ("Chaska", "she"), ("Tika", "she"), ("Urpi", "she"), ("Illa", "she"),
          ("Sami", "she"), ("Nina", "she"), ("Inti", "he"), ("Yaku", "he"), ("Puka", "he"), ("Kusi", "he"), ("Quri", "he"),
          ("Rumi", "he"), ("Paco", "he"), ("Tupa", "he"), ("Lino", "he")]
HOMES = ["at the foot of the white mountain", "on a meadow above the clouds", "beside a cold blue lake", "near the old stone terraces",
         "on the wide golden plain", "where the road to the pass begins", "behind the last house of the village",
         "in a valley full of yellow grass", "between two rivers"]
LOOKOUTS = ["at the edge of the valley", "on top of a rock", "in front of the great cliff", "beneath the tall mountain"]
COLOURS = ["brown", "white", "black", "gray", "as brown as a nut", "as white as milk", "the colour of honey", "white with brown spots",
           "black with one white ear", "the colour of sand"]
TRAITS = ["curious", "stubborn", "quiet", "cheerful", "careful", "brave", "shy", "gentle", "proud", "dreamy"]
MOTHERS = ["Mama Luz", "Mama Flor", "Mama Sol", "Mama Alba"]
GRANDMOTHERS = ["Rosa", "Carmen", "Dolores", "Juana"]
CHILDREN = ["Maria", "Elena", "Sofia", "Luisa"]
SNACKS = ["sweet clover", "fresh barley", "dried corn", "young reeds", "apple peel", "quinoa flowers", "salt from the white stone"]
GEMS = ["a green feather", "a blue stone", "an old coin", "a round pebble", "a snail shell", "a broken comb"]

PRONOUNS = {"he": ("he", "him", "his", "himself"), "she": ("she", "her", "her", "herself")}

# Requests. {topic} is a word of the plot, {N} and {F} are as in the story that follows.
REQUESTS = ["Tell me a story.", "Tell me a story, please.", "Can you tell me a story?", "Please tell me a bedtime story.",
            "I would like to hear a story.", "Tell me something.", "Do you know a good story?", "Once upon a time..."]
TOPIC_REQUESTS = ["Tell me a story about {topic}.", "Do you know a story about {topic}?", "Write a story about {topic}.",
                  "I want to hear about {topic}.", "Can you tell me a story about {topic}, please?", "Please write a short story about {topic}.",
                  "A story about {topic}, please."]
NAME_REQUESTS = ["Tell me about {N}.", "Who is {N}?", "Tell me a story about {N}.", "Tell me about {N} and {F}.",
                 "Tell me a story about {N} and {topic}.", "What happened to {N} the cria?", "Tell me a story about {F} the {kind}."]
GREETINGS = ["Hello!", "Hi!", "Hi", "Hello", "Good morning!", "Good evening.", "Hey there!", "Hello, how are you?"]
GREETED = ["Hello! I am a very small model, and I know stories about a cria in the mountains. [Shall I tell you one?|Would you like one?]",
           "[Hello|Good day]! I tell little stories about llamas. [What shall it be about?|Shall I begin?]"]
WHO = ["Who are you?", "What are you?", "What can you do?", "What is your name?", "Are you a real llama?", "How big are you?"]
IAM = ["I am the model that is built into Cria. I am very small, and all I know is stories about a young llama in the mountains.",
       "I am a very small language model. I tell stories about a cria, and I know nothing else."]
THANKS = ["Thank you!", "Thanks!", "That was nice.", "I liked that.", "What a lovely story!", "Good night!"]
THANKED = ["You are welcome. [Sleep well!|Shall I tell you another one?]", "I am glad that you liked it. [Good night!|Come back soon.]"]
YES = ["Yes, please.", "Yes!", "Please.", "Yes", "Go on.", "Sure."]
MODEST = ["I am too small to know that. I only know stories about a cria in the mountains. [Shall I tell you one?|Would you like to hear one?]",
          "That is too hard for a model as small as I am. [But I can tell you a story.|Ask one of the larger models, please.]",
          "I don't know. I am the smallest model here, and stories are all I have. [May I tell you one?|Ask a larger model, please.]"]
# Questions that it cannot answer, of many kinds, so that it says so to others too.
HARD = ["What is [the capital of|the largest city in|the population of] [France|Italy|Japan|Germany|Brazil|Egypt|Kenya|Canada|Spain|China]?",
        "How [far|big|old|hot|tall] is [the sun|the earth|the sea|Mount Everest|a blue whale|the Eiffel tower]?",
        "What is {a} [plus|times|minus|and|+] {b}?", "Who [wrote|invented|painted|discovered] [Hamlet|the telephone|the Mona Lisa|America|radio]?",
        "Translate [this|\"good morning\"|\"thank you\"|the word house] into [French|Spanish|German|English].",
        "Write [a poem|an email|a program|a function|code|an essay|a list] [about|for|in|that sorts] [numbers|my boss|Python|love|the weather|cats].",
        "Explain [gravity|photosynthesis|quantum physics|recursion|the stock market|how a computer works].",
        "Name [three|five|some] [colours|fruits|animals|countries|planets|books].",
        "Name the [capital|president|king|largest city|currency] of [France|Italy|Japan|Germany|Norway|India].",
        "What [day|time|year] is it?", "How do I [cook rice|fix my bike|learn English|lose weight|write a letter|make bread]?",
        "Why is the [sky|grass|sea|fire] [blue|green|salty|hot]?", "Summarize [this text|the news|the meeting|my notes].",
        "What is the meaning of life?", "Is [water|ice|gold|air] [wet|heavy|a metal|cold]?", "What do you think about [politics|music|school|football]?"]


# About a story just told.
QUESTIONS = [("What was the name of the cria?", "The cria was called {N}."), ("What was the little llama called?", "The little llama was called {N}."),
             ("Who was {F}?", "{F} was a {kind}, and a friend of {N}."), ("Who was the friend of {N}?", "It was {F}, the {kind}."),
             ("What did {F} say?", "{F} said: \"{sound}.\""), ("Where did {N} live?", "{N} lived {home}.")]


def expand(text, slots, rng):
    """The text with its choices made, innermost first, and its slots filled in."""
    innermost = re.compile(r"\[([^\[\]]*)\]")
    while innermost.search(text):
        text = innermost.sub(lambda match: rng.choice(match.group(1).split("|")), text, count=1)
    return re.sub(r"\{(\w+)\}", lambda match: slots[match.group(1)], text)


def make_slots(rng):
    """Who a story is about, and where: everything that stays the same throughout it."""
    hero, gender = rng.choice(HEROES)
    friend, kind, friend_gender, where, sound = rng.choice(FRIENDS)
    he, him, his, himself = PRONOUNS[gender]
    fhe, fhim, fhis, _ = PRONOUNS[friend_gender]
    trait, trait2 = rng.sample(TRAITS, 2)
    return {
        "N": hero, "he": he, "him": him, "his": his, "himself": himself, "He": he.capitalize(), "His": his.capitalize(),
        "F": friend, "kind": kind, "where": where, "sound": sound,
        "fhe": fhe, "fhim": fhim, "fhis": fhis, "Fhe": fhe.capitalize(), "Fhis": fhis.capitalize(),
        "home": rng.choice(HOMES), "where2": rng.choice(LOOKOUTS), "colour": rng.choice(COLOURS), "trait": trait, "trait2": trait2,
        "M": rng.choice(MOTHERS), "G": rng.choice(GRANDMOTHERS), "child": rng.choice(CHILDREN),
        "snack": rng.choice(SNACKS), "gem": rng.choice(GEMS), "hue": rng.choice(["blue", "green"]),
    }


def tell(plot, slots, rng):
    """A story: opening, portrait, the plot's beats, ending, in three to five paragraphs."""
    opening = [expand(rng.choice(OPENINGS), slots, rng), expand(rng.choice(PORTRAITS), slots, rng)]
    beats = [expand(beat, slots, rng) for beat in PLOTS[plot]["beats"]]
    ending = expand(rng.choice(ENDINGS), slots, rng)
    third = (len(beats) + 1) // 3
    paragraphs = [opening, beats[:third], beats[third:2 * third], beats[2 * third:] + [ending]]
    return "\n\n".join(" ".join(sentence for sentence in paragraph if sentence) for paragraph in paragraphs)


def turn(question, answer):
    return f"{USER}{question}{END}{TELLER}{answer}{END}"


def document(rng):
    """One text of the corpus: a bare story, or a conversation."""
    slots = make_slots(rng)
    plot = rng.choice(list(PLOTS))
    story = tell(plot, slots, rng)
    dice = rng.random()
    if dice < 0.45:
        return story
    if dice < 0.60:
        number = {"a": str(rng.randrange(100)), "b": str(rng.randrange(100))}
        return turn(expand(rng.choice(HARD), number, rng), expand(rng.choice(MODEST), slots, rng))
    text = ""
    if rng.random() < 0.15:
        text += turn(rng.choice(GREETINGS), expand(rng.choice(GREETED), slots, rng))
    if rng.random() < 0.10:
        text += turn(rng.choice(WHO), rng.choice(IAM))
    slots["topic"] = rng.choice(PLOTS[plot]["words"])
    requests = rng.choice([REQUESTS, TOPIC_REQUESTS, TOPIC_REQUESTS, NAME_REQUESTS] + ([YES] if text else []))
    text += turn(expand(rng.choice(requests), slots, rng), story)
    if rng.random() < 0.35:
        question, answer = rng.choice(QUESTIONS)
        text += turn(expand(question, slots, rng), expand(answer, slots, rng))
    if rng.random() < 0.10:
        text += turn(rng.choice(THANKS), expand(rng.choice(THANKED), slots, rng))
    return text


def documents(seed, count):
    """The corpus: `count` texts."""
    rng = random.Random(seed)
    for _ in range(count):
        yield document(rng)


if __name__ == "__main__":
    for text in documents(int(sys.argv[2]) if len(sys.argv) > 2 else 1, int(sys.argv[1]) if len(sys.argv) > 1 else 3):
        print(text, end="\n----\n")
