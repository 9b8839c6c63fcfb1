"""What tells the sort of a mail, and its parts, by their wording: tables of regular expressions. Pure data.

Those for subjects and sentences are for text as `publisher.inbound.rules.plain` makes it.
"""

from __future__ import annotations

import re

#: Local parts that belong to mail systems.
SYSTEM = re.compile(
    r"(?:mailer-?daemon|mail-?daemon|postmaster|mailerdaemon|mmdf|mdaemon|smtp-?daemon|daemon|uucp|bounces?|mailsystem|mail-?system|"
    r"mail-delivery-subsystem|mta-?admin|microsoftexchange\w+|mailadmin|nondelivery|ndr|listserv|mail|emailadmin|"
    r"delivery-?(?:service|reporter|failure)|maildelivery|internet-?mail|autodelivery|mailrouter|system-?admin)(?:[+.-].*)?$"
)
SYSTEM_NAME = re.compile(
    r"mail delivery (?:sub)?system|mail (?:delivery )?(?:sub)?system|mail(?:er)?[- ]daemon|postmaster|system administrator|"
    r"delivery subsystem|mail administrator|internet mail delivery|mailer agent|mail router|systemadministrator"
)
#: Subjects of reports about mail that did not arrive; `plain` has been at them.
FAILED = re.compile(
    r"undeliver|un-deliver|non-?deliver|not (?:be )?deliver|delivery (?:status )?(?:notification|fail|report|error|problem|has failed|issue)|"
    r"delivery (?:was |incomplete|unsuccessful|not)|fail\w* (?:to )?(?:mail )?deliver|fail(?:ure|ed|ing)? (?:notice|mail|delivery|message|e-?mail)|"
    r"returned (?:mail|e-?mail|to sender|message)|return(?:ing)? (?:mail|message|to sender)|mail(?: message)? (?:delivery|system|status|failed|failure|error|returned|could not)|"
    r"(?:message|mail|e-?mail) (?:you sent )?(?:status|could not be|cannot be|can't be|not|undeliver|returned|rejected|blocked|bounced|error|delay)|bounce|mdaemon|"
    r"unable to deliver|could(?:n't| not) (?:be )?deliver|can(?:'t|not) (?:be )?deliver|problem(?:s)? (?:sending|delivering|with your)|error sending|"
    r"(?:invalid|unknown|wrong|bad) (?:address|recipient|user|mailbox|destination)|user unknown|no such user|mailbox (?:full|unavailable|is full)|quota|"
    r"mail system error|returned mail|warning: (?:could|message|mail)|delayed mail|delivery delay|delay(?:ed)? (?:mail|delivery|notification)|"
    r"nicht (?:zugestellt|zustellbar|ausgeliefert)|unzustellbar|zustellung|zustellbericht|fehlgeschlagen|mail-?fehler|unzustellbare|ruckgabe|"
    r"echec (?:de (?:la )?)?(?:remise|livraison|distribution|envoi)|non (?:remis|distribu|delivr|recapit)|avis de non|courrier (?:non|retourne)|"
    r"notification d'etat|notificacion (?:de|del) estado|no (?:se )?(?:pudo|puede|ha (?:podido|sido)) (?:ser )?(?:entreg|enviar)|no entregad|devuelto|correo devuelt|error de entrega|"
    r"fallo (?:de|en)|entrega|mancata (?:consegna|recapito)|recapito|non consegnat|impossibile (?:consegnare|recapitare)|devolvid|nao (?:foi )?(?:entregue|possivel)|falha (?:na|de)|"
    r"onbestelbaar|niet (?:bezorgd|afgeleverd)|niedostarczon|zwrot|nie (?:mozna|dostarczono)|nedoruc|kunde inte|kunne ikke|kan niet|"
    r"не (?:доставлен|удалось|может)|недоставлен|возврат|配信(?:不能|失敗|エラー)|送信(?:できません|エラー|失敗)|不達|エラーメール|退信|无法(?:投递|送达)|投递失败|系统退信|반송|배달"
)
AUTOMATIC = re.compile(
    r"^(?:\[?auto(?:matic|mated|mat)?\]?[- :]*(?:re?ply|response|answer|acknowledg|reaction|generated|message|svar|repl)|auto(?:-?re)?:|autoreply|auto-?response|"
    r"out of (?:the )?office|ooo\b|on (?:vacation|holiday|leave)|vacation|away from|i(?:'m| am) (?:away|out|on)|absence|abwesen|abwesenheit|automatische (?:antwort|nachricht|ruckmeldung)|"
    r"reponse automatique|absence du bureau|message d'absence|respuesta automatica|fuera de (?:la )?oficina|ausencia|risposta automatica|fuori (?:sede|ufficio)|assenza|"
    r"resposta automatica|fora do escritorio|automatisch antwoord|afwezig|autosvar|automatisk svar|fravaer|franvaro|automaattinen vastaus|odpowiedz automatyczna|"
    r"automaticka odpoved|автоответ|автоматический ответ|自動(?:返信|応答)|自动回复|自動回覆|不在|자동 ?(?:회신|응답)|otomatik yanit|"
    r"(?:thank you|thanks) for (?:your )?(?:contacting|e-?mail|message|mail|inquiry|writing)|we (?:have )?received your|your (?:request|ticket|case|message has been received)|"
    r"(?:ticket|case|request)\b.{0,20}(?:#|received|created|opened)|\[(?:ticket|case|request)?\s?#)"
    r"|\bautomatic reply\b|\bauto-?reply\b|\bout of office\b"
)
CHALLENGE = re.compile(
    r"(?:please )?(?:confirm|verify|authenticate|validate)\b.{0,30}(?:your )?(?:message|e-?mail|sender|identity|address|mail|delivery|human)|challenge|"
    r"(?:message|mail|e-?mail) (?:is )?(?:awaiting|requires?|pending|held)\b.{0,30}(?:approval|confirm|verif|authoriz)|verification (?:required|request|needed)|"
    r"confirmation (?:required|request|needed)|(?:approve|approval|permission) (?:required|request|needed|to send)|sender (?:verification|confirmation|authentication)|"
    r"antispam|anti-spam|spam ?(?:arrest|blocker|filter)|not (?:on|in) (?:my|the) (?:guest|approved|safe|allow)"
)
CHALLENGERS = ("x-tmda-fingerprint", "x-boxbe-message-id", "x-spamarrest-noauth", "x-choicemail-registration", "x-asg-challenge", "x-qmail-challenge")
#: A subject, or a first line, that asks to be taken off and says nothing else: a headline in a reply asks for nothing.
UNSUBSCRIBE = re.compile(
    r"(?:re: |aw: |fwd?: )*(?:please |bitte |merci de |por favor |prosze |pls )?"
    r"(?:(?:i (?:want|would like|wish) to )?(?:un-?subscribe|list-unsubscribe|opt[- ]?out|sign ?off)(?: (?:me|us|now|request|my (?:e-?mail|address|subscription)))?(?: (?:from|to|of) .{1,80})?"
    r"|(?:remove|take) (?:me|my (?:e-?mail|address|name))(?: (?:from|off) .{1,80})?|cancel (?:my )?(?:subscription|newsletter)|stop(?: (?:mails?|e-?mails?|sending|newsletter)(?: .{0,20})?)?|remove"
    r"|(?:newsletter )?(?:abmelden|abbestellen|abmeldung|abbestellung|austragen|kundigung|kundigen)(?: von .{1,80})?|newsletter (?:abbestellen|abmelden)"
    r"|(?:me |se )?desabonn(?:er|ez-moi|ement)(?: .{0,40})?|desinscri(?:re|ption|vez-moi)(?: .{0,40})?|resiliation"
    r"|(?:darme de )?baja(?: (?:de|del) .{1,60})?|darse de baja|cancelar (?:mi )?suscripcion|disiscri\w+|cancellami|annulla iscrizione|cancellazione"
    r"|cancelar (?:a )?(?:minha )?(?:inscricao|assinatura)|descadastrar|afmelden|uitschrijven|wypisz(?: mnie)?|rezygnacja|rezygnuje"
    r"|отписаться|отписка|отпишите(?: меня)?|配信停止|退会|退订|退訂|수신 ?거부|avregistrera|avmeld\w*|afmeld\w*|odhlasit)"
    r"(?:,? (?:please|thanks|thank you|danke|merci|gracias))?[.! ]*"
)


#: Where a copy of our message begins.
COPY = re.compile(
    r"^[ \t>]*(?:-{2,80}|={2,80}|_{3,80}|\*{3,80})[^\n]{0,60}?\b(?:copy|original|original message|returned (?:message|mail)|message header|headers|forwarded|unsent message|"
    r"text of|beginning of|message follows|ursprunglich\w*|ursprünglich\w*|message (?:d'origine|original)|mensaje original|nachricht|your message)\b[^\n]{0,80}$"
    r"|^[ \t>]*(?:the (?:first|header|headers|text|original|following is|message headers?)|this is a copy|below (?:this line )?is|here is|a copy of|your (?:original )?message (?:follows|headers?)|"
    r"original message|message headers?|message (?:text|contents?|follows)|copy of|transcript of (?:the )?message|unsent message|nachfolgend|ursprüngliche nachricht|"
    r"kopie|die kopfzeilen|message d'origine|mensaje original|el mensaje original)[^\n]{0,80}(?:header|follow|below|:|copy|lines|message|kopie)[^\n]{0,40}$"
    r"|^(?:received: (?:from|by)|return-path: ?<|dkim-signature: )[^\n]*$",
    re.IGNORECASE | re.MULTILINE,
)
OURS = re.compile(r"^(?:mailer-?daemon|postmaster|abuse|bounces?|noreply|no-reply|donotreply|support|help|helpdesk|root|unsubscribe|admin|administrator|webmaster|hostmaster|info-bounces)(?:[+.-].*)?@", re.IGNORECASE)
TRYING = re.compile(
    r"(?:will|shall|is|are|be) (?:\w+ ){0,3}?(?:retried|re-?tried|re-?tr(?:y|ies)|keep(?:ing)? trying|continue (?:to|trying)|try(?:ing)? again|attempted again)"
    r"|attempts? (?:will|to deliver (?:\w+ ){0,4}will) (?:\w+ )?continue|no action is (?:required|needed)|not (?:need|have) to (?:do anything|resend)|not yet (?:been )?(?:delivered|possible)|still (?:being |in )?(?:trying|queue|tried)"
    r"|(?:delivery|message|mail) (?:\w+ ){0,2}(?:is|has been|was|being|temporarily) delayed|this is (?:a|only a) (?:warning|delay)|weitere (?:zustell)?versuche|wird weiter(?:hin)? versuch|tentatives? .{0,40}(?:poursui|continu)|seguira intentando|se seguira"
)
GIVEN_UP = re.compile(r"(?:no more|no further|not be|not going to|won't|will not|stopped|unable to) (?:\w+ ){0,3}(?:attempt|retr|try|deliver)|giv(?:en|ing) up|gave up|permanent|returned to you")
#: What stands before the address of a recipient.
INTRODUCED = re.compile(
    r"(?:to|recipients?|address(?:es)?|user|mailbox|rcpt to|for|an|empfänger|destinataires?|destinatarios?|addressed to|deliver(?:ed)? to|said|sent to|à|para|a)\s*[:=]?\s*(?:\n\s*)?[<\"'(\[]?$",
    re.IGNORECASE,
)
#: Header fields that only automatic answers have.
ANSWERERS = (
    "x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-reply", "x-autogenerated", "x-autoreply-from", "x-vacation",
)
