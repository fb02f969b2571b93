"""Plots as SVG, written by hand: no library is needed to draw bars and lines."""
import math
from xml.sax.saxutils import escape

INK, GRID, PAPER = "#1f2933", "#d5dae0", "#ffffff"
COLOURS = {"sbx": "#0b6e99", "bwrap": "#b4541a", "floor": "#5b6770"}
FONT = 'font-family="sans-serif" font-size="%d" fill="%s"'


def colour(label):
    for name in ("bwrap", "floor"):
        if label.startswith(name):
            return COLOURS[name]
    return COLOURS["sbx"]


def text(x, y, words, size=12, anchor="start", fill=INK):
    return '<text x="%.1f" y="%.1f" text-anchor="%s" %s>%s</text>' % (
        x, y, anchor, FONT % (size, fill), escape(words))


def line(x1, y1, x2, y2, stroke=GRID, width=1, dash=""):
    return '<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s" stroke-width="%g"%s/>' % (
        x1, y1, x2, y2, stroke, width, ' stroke-dasharray="%s"' % dash if dash else "")


def svg(width, height, title, body):
    return "\n".join(
        ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d">'
         % (width, height, width, height),
         "<title>%s</title>" % escape(title),
         '<rect width="100%%" height="100%%" fill="%s"/>' % PAPER,
         text(16, 24, title, 15), *body, "</svg>"]) + "\n"


def ratios(results):
    """One bar for each pair: the subject's time divided by the peer's, on a log scale around 1."""
    rows = [(case["case"], case["results"][0]["label"], peer)
            for case in results for peer in case["results"][1:] if "missing" not in peer]
    if not rows:
        return None
    left, width, step, top = 300, 900, 22, 56
    low = min(0.1, *(peer["ratio_q1"] for _, _, peer in rows))
    high = max(4.0, *(peer["ratio_q3"] for _, _, peer in rows))

    def at(value):
        part = math.log(max(value, 1e-6) / low) / math.log(high / low)
        return left + part * (width - left - 60)

    bottom = top + step * len(rows)
    body = []
    for tick in (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 4, 8, 16, 32):
        if low <= tick <= high:
            body += [line(at(tick), top - 6, at(tick), bottom), text(at(tick), top - 12, "%g" % tick, 11, "middle")]
    for i, (case, subject, peer) in enumerate(rows):
        y = top + step * i + step / 2
        ratio = peer["ratio_pairs"]
        begin, end = sorted((at(1), at(ratio)))
        body += [text(left - 10, y + 4, "%s: %s / %s" % (case, subject, peer["label"]), 11, "end"),
                 '<rect x="%.1f" y="%.1f" width="%.1f" height="%d" fill="%s" fill-opacity="0.75"/>'
                 % (begin, y - 6, max(end - begin, 1), 12, colour(peer["label"])),
                 line(at(peer["ratio_q1"]), y, at(peer["ratio_q3"]), y, INK, 1.5),
                 text(max(at(max(ratio, 1)), at(peer["ratio_q3"])) + 6, y + 4, "%.2f" % ratio, 11)]
    body.append(line(at(1), top - 6, at(1), bottom, INK, 1.5, "4 3"))
    return svg(width, bottom + 16, "Time of the first divided by that of the second: left of 1 the first is faster",
               body)


def binds_series(results):
    series = {}
    for case in results:
        if not case["case"].startswith("binds-"):
            continue
        for result in case["results"]:
            if "missing" not in result:
                series.setdefault(result["label"], []).append(
                    (int(case["case"][6:]), result["min_us"] / 1000, result["median_us"] / 1000))
    return series


def binds(results):
    """Milliseconds against the number of binds, both logarithmic: a straight line is a power."""
    series = binds_series(results)
    values = [value for points in series.values() for point in points for value in point[1:]]
    if not values:
        return None
    left, top, width, height = 70, 50, 720, 420
    highest = max(n for points in series.values() for n, _, _ in points)
    low, high = 10 ** math.floor(math.log10(min(values))), 10 ** math.ceil(math.log10(max(values)))

    def across(n):
        return left + math.log(n) / math.log(max(highest, 2)) * (width - left - 120)

    def up(value):
        return height - 40 - math.log(value / low) / math.log(high / low) * (height - 40 - top)

    body = []
    tick = low
    while tick <= high:
        body += [line(left, up(tick), width - 120, up(tick)), text(left - 8, up(tick) + 4, "%g ms" % tick, 11, "end")]
        tick *= 10
    for n in (1, 10, 100, 1000, 5000):
        if n <= highest:
            body.append(text(across(n), height - 20, str(n), 11, "middle"))
    body.append(text((left + width - 120) / 2, height - 4, "bind mounts", 11, "middle"))
    for label, points in series.items():
        path = " ".join("%.1f,%.1f" % (across(n), up(median)) for n, _, median in points)
        body.append('<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>' % (path, colour(label)))
        for n, least, median in points:
            body += ['<circle cx="%.1f" cy="%.1f" r="3.5" fill="%s"/>' % (across(n), up(median), colour(label)),
                     line(across(n) - 5, up(least), across(n) + 5, up(least), colour(label), 1.5)]
        body.append(text(across(points[-1][0]) + 10, up(points[-1][2]) + 4, label, 12, "start", colour(label)))
    return svg(width, height, "Start with N bind mounts: median, and a dash at the minimum", body)
