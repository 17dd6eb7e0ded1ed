"""Frequent words that carry grammar rather than content, in English and Chinese, separated by white space."""

ENGLISH = """
a an the this that these those some any each every all both few more most other such no nor not only own same so
than too very just i me my myself we our ours ourselves you your yours yourself he him his himself she her hers
herself it its itself they them their theirs themselves who whom whose which what and but if or because as until
while of at by for with about against between into through during before after above below to from up down in out
on off over under again further then once here there when where why how am is are was were be been being have has
had having do does did doing will would shall should can could may might must
"""

# Written without spaces, a Chinese stop word cannot be told by its borders: only what is seldom part of a longer word.
CHINESE = """
以及 并且 而且 因为 所以 但是 不过 如果 虽然 然而 因此 于是 或者 我们 你们 他们 她们 它们 这个 那个 这些 那些
一个 一些 已经 可以 没有 就是 还是 的 了 着 吗 呢 吧 啊 呀 嘛 哦 很 也 都 而 及 与
"""

# The longer words in which those characters mostly stand for something else.
CHINESE_WORDS_TO_KEEP = """
目的地 目的 的确 的士 标的 有的放矢 了解 了不起 了结 了然 了却 明了 未了 终了 着急 着想 着手 着重 着火 着凉 着落
着眼 着迷 沉着 执着 显著 睡着 首都 成都 都市 都会 古都 京都 建都 呢绒 吧台 酒吧 网吧 而已 普及 及时 及格 及早 来得及
参与 给与 与会 与其 与众不同
"""
