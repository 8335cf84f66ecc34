"""The fast lane: the site as one ASGI application, which answers on its event loop what is asked most, and no more.

That is a read that hits, a write that is accepted, a delete that finds. Whatever the lane does not finish (every
refusal, every condition, every other address) it hands over untouched to Django, which judges again and answers: so
each rule and each error body exists once. `application` is where to begin reading.
"""
