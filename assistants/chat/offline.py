from agent.offline import Answer, Ask

def reply(ask: Ask) -> Answer:
    return ""
