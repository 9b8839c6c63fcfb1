"""What servers say when they refuse, by what they mean: the table of `publisher.inbound.rules`. Pure data.

A line is a regular expression that stands somewhere in the words of a refusal, in lower case and on one line. USER is
whatever a mailbox is called, GAP up to 60 characters within a sentence, ADDR an address or nothing. Addresses are
masked as `@`, and names of hosts are out of the way. A phrase is what many servers say; none is one server's own text.
"""

from __future__ import annotations

SENDER = r"""
sender (?:address |domain |e-?mail |id |mx |ip )?(?:@ )?(?:is |was |has been |could not be |cannot be |must )?(?:rejected|refused)
sender (?:address |domain |e-?mail |id |mx |ip )?(?:@ )?(?:is |was |has been )?(?:invalid|unknown|denied|blocked|unverified)
sender (?:address |domain )?(?:@ )?(?:is |was |could |can)?(?:not|does ?n[o']t|fail|syntax)
sender verif|verification failed for|callout verif|sender callout|sender[^.;]{0,40}(?:not exist|black ?list|block ?list|blocked)
\b(?:bad|invalid|unknown|forged|banned|blocked|illegal|unresolvable) (?:envelope |outbound |return |reverse )*sender
\b(?:un|not )?(?:authenticated|authori[sz]ed|verified) (?:envelope |outbound )?sender
(?:domain|address) of (?:the )?sender|(?:return|reverse)[- ]path|envelope[- ](?:sender|from)
(?:mail|header) from (?:domain|address|header)|from (?:address|domain) (?:is )?(?:not|rejected|invalid|blocked)
sending domain|your (?:domain|ip|server|host|network|country)
"""

MANY_DEAD = r"""
too many (?:bad|invalid|unknown|wrong|non-?existent|failed) (?:rcpt|recipient|user|address|mailbox|command)
(?:invalid|unknown) recipients? (?:limit|rate|count)|directory harvest
"""

BLOCKED = r"""
\b(?:anti-?)?spam(?:mers?|ming|my|med)?\b|spam-?like|unsolicited|\bjunk\b|\b(?:ube|uce)\b|phish|\bscam\b
\bvirus|\bmalware|\binfected|\btrojan|malicious|suspicious|under suspicion|suspected (?:to|of|as|spam)
spamhaus|spamcop|\bsorbs\b|barracudacentral|invaluement|sender ?score|cloudmark|proofpoint|\bsurbl|\buribl|senderbase
\bd?n?s?rbls?\b|\bdnsbl|\brhsbl|real-?time black|\w+bl\.\w+\.(?:org|net|com)
(?:black|block|deny)-? ?list|(?<!not )(?<!n't )listed (?:in|at|by|on) (?!the (?:directory|address))|(?:poor|bad|low|ip|domain|your|its) reputation
reputation|trust ?score|(?:provider|organi[sz]ation|server|system) rejected (?:it|your|the message)|\bip (?:address )?(?:@ )?\S{0,45} ?(?:is |has been |was |not )?(?:blocked|banned|rejected|denied|refused)
\bbanned\b|bulk (?:e-?)?mail|mass mail|content (?:filter|reject|denied|restrict|block|scan)|heuristic|fingerprint
(?:message|mail|e-?mail) (?:content )?(?:was |has been |is )?(?:considered|identified|classified|flagged|detected)
(?:message|mail|e-?mail) (?:looks|appears|seems|scored)|user complaints|complaint rate|\bcomplaints?\b
"""

UNAUTHENTICATED = r"""
\b(?:spf|dkim|dmarc)\b|sender policy framework|unauthenticated|requires? (?:all )?(?:senders? )?(?:to )?authenticat
authentication (?:is )?(?:required|failed|check|error|fail)|not authenticated|authenticate with
reverse (?:dns|lookup|host ?name|address|mapping)|\br?dns (?:ptr|reverse)|\bptr\b|\brdns\b|fcrdns|\bhelo\b|\behlo\b
dynamic(?:ally)?[- ](?:assigned |allocated )?(?:ip|address|pool|range|host)|dial-?up|residential|starttls|tls (?:is )?required
"""

FULL = r"""
(?:over|exceed\w*|above|beyond|past|out of|reached|hit)\b[^.;]{0,40}\bquota
quota\b[^.;]{0,40}(?:exceed|violat|full|reached|limit|over|exhaust|error)|quotaexceeded|shutoffquota|over-?quota
(?:mail ?box|inbox|account|maildrop|mail ?file|folder|maildir|mail store|user)\b[^.;]{0,60}\b(?:full|overfull|over-?full)\b
\b(?:full|overfull) (?:mail ?box|inbox|mail ?folder)|mailbox_?full|(?:disk|disc) (?:is )?full|no space|diskquota
(?:mail ?box|inbox|account|recipient|user|maildrop|mail ?file)\b[^.;]{0,60}(?:exceed|over|reached|out of|at) [^.;]{0,40}(?:storage|space|capacity)
(?:mail ?box|inbox|account|mail ?file)\b[^.;]{0,40}(?:exceed\w*|over|reached|at) (?:its |the |their )?(?:maximum |allowed |size |message )*(?:size|limit)
(?:not enough|insufficient|no|lack of|low|out of|without) (?:disk |storage |free |mailbox |mail |enough |more |remaining )*(?:storage|space|room)\b
exceeded (?:the |its |their )?(?:storage|disk|mailbox|space)|exceeds? (?:the )?(?:mailbox|maximum) (?:storage|space)
storage (?:allocation|limit|space|quota)[^.;]{0,30}(?:exceed|reached|full)|mailbox size limit|maximum mailbox size
too (?:many messages|much mail|much data) (?:in|on|for) |can(?:not|'t) accept (?:any )?more (?:mail|messages)
"""

FULL_ABROAD = r"""
postfach\w*[^.;]{0,60}(?:voll|uberfull|uberschritten|kapazitat|speicher)|speicherplatz|(?:mailbox|konto) ist voll|volles postfach
(?:boite|bal|messagerie|compte)\b[^.;]{0,60}(?:pleine?|saturee?|depass|remplie?)|espace[^.;]{0,20}(?:insuffisant|depass)
(?:buzon|bandeja|casilla|cuenta|correo)\b[^.;]{0,60}(?:llen[oa]|excedid|excede|sin espacio|superad|saturad)
(?:cuota|quota|cota)[^.;]{0,30}(?:excedid|superad|superat|depass|uberschr|ultrapass)|(?:casella|cassetta)[^.;]{0,60}pien[ao]
caixa[^.;]{0,60}(?:cheia|lotada|excedid)|(?:postvak|mailbox|postbus)\b[^.;]{0,40}\bvol\b|skrzynk\w*[^.;]{0,60}(?:pelna|pelnion)
schrank\w*[^.;]{0,40}pln|innboks\w*[^.;]{0,30}full|postilaatik\w*[^.;]{0,30}taynna|posta kutusu\w*[^.;]{0,20}dolu|fullt? brevlad
ящик[^.;]{0,60}(?:переполнен|полон|заполнен)|квот[^.;]{0,40}превыш|превыш[^.;]{0,40}квот
容量|いっぱい|満杯|邮箱(?:容量|空间)?已?满|信箱已滿|空间不足|空間不足|용량|가득
"""

GREYLISTING = r"""
gr[ae]y-? ?list|temporarily (?:deferred|rejected)[^.;]{0,20}(?:unknown|first)|try again in \d+ (?:sec|min)
"""

#: That somebody is not there, about any of USER.
NO_USER = r"""
\b(?:no|not an?|not our|isn't an?|not the) (?:such |valid |known |existing |active |local |longer an? )*(?:user|recipient|mail ?box|account)
\b(?:no|not an?|not our) (?:such |valid |known |existing |active |local )+(?:e-?mail )?(?:address|customer|subscriber|person|alias|member|name)
\b(?:unknown|invalid|nonexist\w*|non-exist\w*|undefined|unrout\w*|unrecogni[sz]ed|bogus|obsolete) (?:or \w+ |local |virtual |destination |delivery |e-?mail |mail |to |target |final )*USER\b
\b(?:bad|incorrect|wrong|illegal|mistyped|retired) (?:local |destination |e-?mail |mail |target |recipient )*(?:user|recipient|mailbox|address|account)\b
\bUSER\b(?:\(s\))? ?[:,=]? ?ADDRGAP\b(?:un(?:known|recogni[sz]ed|defined)|invalid|non-?exist\w*|not known|not valid|not recogni[sz]ed)
\bUSER\b ?ADDRGAP\b(?:not found|(?:not|never) (?:been )?found|n[o']t (?:seem to )?exist|not be (?:found|located|resolved)|not resolve)
\bUSER\b ?ADDRGAP\bn(?:o|')t (?:be )?(?:listed|registered|defined|hosted|available here|a valid|local|in (?:the |our )?(?:directory|list|database))
\bUSER\b ?ADDRGAP\bno longer (?:exist|valid|available|active|in use|used|here|with|work|employ|on this|accept|monitor)
\bUSER\b ?ADDRGAP\b(?:n't|not) have an? |\bUSER\b ?ADDRGAP\bhas (?:left|moved)\b
n[o']t (?:seem to )?(?:have (?:an?|any|this|that|such)|find|locate|know|recogni[sz]e|match|lookup|look up)\b[^.;]{0,50}\b(?:user|mailbox|recipient|account|person|addressee|customer|inbox)
(?:unable to|failed to) (?:find|locate|recogni[sz]e|match|lookup|look up)\b[^.;]{0,50}\b(?:user|mailbox|recipient|account|person|addressee|customer)
(?:don't|doesn't|does not|do not) have an? (?:\S+ ){0,3}?account|(?:don't|do not|doesn't|does not) know (?:that|this|any|the|such)
no (?:such )?(?:person|one|mailbox|user|recipient|account)s? (?:here|by|with|at|on|named|called)|no mailbox|no such
user_?unknown|unknown_?user|nosuchuser|mailbox_?not_?found|recip(?:ient)?notfound|doesnotexist|rcpt_?unknown|adr\.\w*recip
not (?:listed|found) in (?:the )?(?:\w+ )?(?:public name|name|address|directory|user|recipient|domino)
(?:local|virtual|relay)[^.;]{0,20}(?:recipient|alias|mailbox) table|not listed in|not in (?:the )?(?:recipient|user)\b
not (?:our|a) customer|unknown to (?:the |this )?(?:system|server|host)|unknown (?:at|in|on|here)\b|who\?|addressee unknown
address (?:lookup|look-up) failed|bad destination (?:mailbox )?address|user not known|recipient not (?:here|known|ok)
all relevant mx records point to non-existent|email address could not be found|couldn't be found|wasn't found at|isn't at
(?:user |recipient |person )has (?:moved|left|changed)|moved to (?:a )?new|new (?:e-?mail )?address (?:is|of)|please try @
left the (?:company|organi[sz]ation|firm)|(?:not|never) (?:been )?(?:existed|activated)|is not (?:in our|a member of our)
did not match any|no match(?:es)? (?:for|to|found)|check(?:ing)? the (?:recipient's? )?(?:e-?mail )?(?:address|spelling)[^;]{0,30}(?:typo|spelling|correct)
(?:address|mailbox|user|recipient|account) @? ?does(?:n't| not) exist|\b@ does(?:n't| not) exist|^(?:5\d\d )?user unknown
"""

NO_USER_ABROAD = r"""
(?:empfanger|benutzer|adressat|adresse|postfach|mailbox|konto|nutzer|teilnehmer)\w*[^.;]{0,60}\b(?:unbekannt|nicht (?:gefunden|bekannt|vorhanden))
(?:empfanger|benutzer|adressat|adresse|postfach|mailbox|konto|nutzer|teilnehmer)\w*[^.;]{0,60}\b(?:ungultig|existiert|gibt es nicht|nicht eingerichtet)
(?:unbekannte|ungultige|falsche|nicht existierende|kein)[rsnm]? (?:\w+ )?(?:empfanger|benutzer|adress|postfach|nutzer|e-mail-?adress|mail-?adress)
existiert (?:leider |hier |auf \w+ \w+ )*nicht|nicht (?:mehr )?existi|(?:empfanger|adresse) (?:konnte )?nicht
(?:utilisateur|destinataire|adresse|boite|compte|usager|abonne|correspondant)\w*[^.;]{0,60}(?:inconnu|introuvable|invalide|inexistant|erron)
n'existe (?:pas|plus)|(?:n'est|n'a) (?:pas|plus) (?:ete )?(?:valide|connu|trouve|reconnu)|mauvaise adresse|inconnu a cette adresse
(?:usuario|destinatario|direccion|buzon|cuenta|casilla)[^.;]{0,60}(?:desconocid|no existe|inexistente|invalid|no es valid|incorrect)
no (?:se )?(?:ha |pudo |puede )?(?:sido )?(?:encontr|localiz)\w*[^.;]{0,40}(?:usuario|destinatario|direccion|buzon|cuenta|casilla)
(?:usuario|destinatario|direccion|buzon|cuenta)[^.;]{0,40}no (?:se )?(?:ha |pudo |puede )?(?:sido )?(?:encontr|localiz)|no existe
(?:utente|destinatario|indirizzo|casella)[^.;]{0,60}(?:sconosciut|non esist|inesistente|non (?:e )?(?:stato )?trovat|non valid|errat)
(?:usuario|destinatario|endereco|caixa|conta)[^.;]{0,60}(?:desconhecid|nao existe|inexistente|nao (?:foi )?(?:encontr|localiz))
(?:gebruiker|geadresseerde|ontvanger|adres|postvak)\w*[^.;]{0,60}(?:onbekend|bestaat niet|niet gevonden|ongeldig)|bestaat niet
onbekende (?:gebruiker|ontvanger|geadresseerde)|(?:uzytkownik|odbiorc|adresat|adres|konto|skrzynk)\w*[^.;]{0,60}(?:nieznan|nie istnieje)
nie (?:ma takiego|znaleziono|istnieje)|nieznan[ya]|(?:neznam|neexist|nenalezen)\w*|okand (?:mottagare|anvandare)|finns inte
ukendt (?:modtager|bruger)|ukjent (?:mottaker|bruker)|findes ikke|finnes ikke|tuntematon|ei loydy|bulunamadi|mevcut degil
ismeretlen|nem letez|necunoscut|nu exista
(?:пользовател|получател|адрес|ящик)\w*[^.;]{0,60}(?:не ?на[йи]ден|не ?существует|неизвестн|не зарегистрирован)
нет такого|не существует|неизвестн|宛先不明|存在しません|存在しない|見つかりません|不明なユーザ|不存在|无此用户|用户未找到|找不到|查无此人
收件人地址(?:错误|有误)|사용자가 없|존재하지|없는 사용자|없습니다|לא קיים|غير موجود
"""

FOR_A_WHILE = r"""
(?:temporar\w+|momentarily|presently) (?:\w+ ){0,2}(?:disabled|suspended|locked|inactive|unavailable|unable|blocked|closed|rejected)
(?:temporar\w+|momentarily|presently) (?:\w+ ){0,2}(?:out of|not available|deferred|failure|undeliverable|overloaded|busy|down|offline)
(?:disabled|suspended|locked|unavailable|blocked) (?:temporarily|for now|at this time|at the moment)|mailbox (?:is )?(?:busy|locked|in use)
account (?:is )?(?:locked|on hold)|not (?:currently )?(?:accepting|receiving) (?:mail|messages|e-?mail)s? (?:at|for) (?:this|the)
vorubergehend|zeitweise|temporairement|momentanement|temporalmente|temporaneamente|temporariamente|tijdelijk|tymczasowo
временно|一時的|暂时|暫時
"""

CLOSED = r"""
\bUSER\b ?[:,]? ?ADDRGAP\b(?:disabled|deactivated|de-activated|inactive|in-active|not active|suspended|closed|terminated|cancell?ed)\b
\bUSER\b ?[:,]? ?ADDRGAP\b(?:discontinued|expired|deleted|removed|dormant|frozen|retired|ceased|abandoned|not activated|blocked for inactivity)\b
\b(?:disabled|deactivated|inactive|suspended|closed|terminated|deleted|discontinued|dormant|expired) (?:user|mail ?box|account|recipient|address|e-?mail|inbox)
mailbox_?disabled|account_?disabled|disabled due to|not (?:been )?(?:logged|used|active|accessed)[^.;]{0,30}(?:for|in|since)|inactivity
"""

CLOSED_ABROAD = r"""
(?:konto|postfach|mailbox|account|adresse|benutzer|empfanger)\w*[^.;]{0,60}(?:deaktiviert|gesperrt|geschlossen|geloscht|gekundigt)
(?:konto|postfach|mailbox|account|adresse|benutzer|empfanger)\w*[^.;]{0,60}(?:stillgelegt|inaktiv|abgeschaltet|nicht mehr aktiv)
(?:compte|boite|adresse|messagerie|bal)\b[^.;]{0,60}(?:desactive|ferme|suspendu|supprime|inactif|inactive|resilie|cloture)
(?:cuenta|buzon|usuario|casilla|direccion)[^.;]{0,60}(?:desactivad|deshabilitad|inhabilitad|cerrad|suspendid|inactiv|cancelad|eliminad)
(?:account|casella|utente|indirizzo)\b[^.;]{0,60}(?:disattivat|disabilitat|chius|sospes|inattiv)
(?:conta|caixa|usuario)\b[^.;]{0,60}(?:desativad|inativ|suspens|cancelad|encerrad)
(?:konto|skrzynka|uzytkownik)\w*[^.;]{0,60}(?:nieaktywn|zawieszon|usuniet|wylaczon|zamkniet)
(?:ящик|пользовател|аккаунт|запис|адрес)\w*[^.;]{0,60}(?:отключен|заблокирован|удал[её]н|неактивен|закрыт)
停用|禁用|冻结|注销|停止されて|利用停止|휴면
"""

TOO_LARGE = r"""
(?:message|mail|e-?mail|attachment|body|data)s?\b[^.;]{0,60}too (?:big|large)|(?:header|subject)s? too long|too (?:big|large) (?:message|mail|e-?mail|file)
(?:message|mail|e-?mail|attachment)s?\b[^.;]{0,60}(?:exceed\w*|larger than|over)\b[^.;]{0,40}(?:size|limit|length|maximum|bytes|kb|mb)
(?:maximum|max|permitted|allowed|fixed) (?:message|mail|e-?mail|attachment)[- ]size|(?:message|mail|msg) ?size|oversized? (?:message|mail)
size (?:limit|exceed|restrict)|nachricht[^.;]{0,20}zu gross|trop (?:gros|volumineux|long)|demasiado grande|troppo grande|za duz[aey]
"""

RATE = r"""
\b4\.7\.(?:28|500|65[01])\b|\b5\.7\.28\b|rate[- ]?limit|rate (?:control|exceed)|rate that|at a rate|throttl|unexpected volume
too (?:many|much) (?:messages?|mails?|e-?mails?|connections?|sessions?|recipients?|requests?|errors?|concurrent|simultaneous|hits)
too (?:fast|quickly|often|frequent)|receiving mail (?:too|at)|unusual (?:rate|sending|volume|amount)|frequency limited|mail frequency
(?:exceed\w*|over|reached|limit)\b[^.;]{0,50}(?:per (?:hour|minute|day|connection)|hourly|daily|\brate\b|frequency|sending limit|connections?\b)
(?:message|sending|recipient|connection|delivery|mail|hourly|daily|concurrency)s? (?:rate|limit|frequency)\b[^.;]{0,30}(?:exceed|reached|over|hit)
slow down|server (?:is )?(?:too )?busy|zu viele (?:mails|nachrichten|verbindungen|empfanger)|trop de (?:messages|connexions|destinataires)
demasiad[oa]s (?:mensajes|conexiones|correos)|слишком много|频率|頻率|过于频繁|送信数
"""

RELAYING = r"""
\brelay(?:ing|ed)?\b[^.;]{0,40}(?:denied|prohibit|not|refused|disallow|restricted|failed|access|rejected|forbidden)
(?:unable|not|no|denied|cannot|attempt|permitted|allowed) (?:to |permitted to |allowed to )?relay|relay access|weiterleitung (?:nicht|verweigert)
"""

RESTRICTED = r"""
not (?:authori[sz]ed|allowed|permitted|entitled)|unauthori[sz]ed|no permission|insufficient permission|permission to|notauthori[sz]ed
(?<!policy )restrict(?:ed|ion)|only accepts? (?:mail|messages?|e-?mails?) from|(?:mail|messages?) only from|senderrestrict|members? only|moderated
white-? ?list|allow-?list|safe ?list|opted out|not accept(?:ing)? (?:mail|messages?|e-?mails?) from|accepts? no (?:mail|messages) from
"""

LATER = r"""
not found, try again|temporar\w* (?:dns|lookup|name|resol)|(?:dns|lookup|name server)\w*[^.;]{0,30}(?:temporar|try again|later)|server ?fail|servfail
"""

NO_DOMAIN = r"""
\b(?:host|domain|mail domain|host ?name|site|mail server)\b[^.;]{0,60}(?:not (?:be )?found|unknown|n[o']t exist|no longer exist|invalid)(?![^.;]{0,20}try again)
\b(?:host|domain|mail domain|host ?name|site|mail server)\b[^.;]{0,60}(?:not (?:be )?(?:resolved|located|valid)|unrout\w+|non-?exist|no such)
\b(?:unknown|no such|invalid|unrout\w+|non-?exist\w*|bad|illegal|unresolvable) (?:mail |destination |target |recipient |remote |e-?mail )*(?:host|domain|site|mx)
nxdomain|null ?mx|host_?unknown|nonexistentdomain|domain_?not_?found|no (?:valid )?(?:mx|mail exchanger|a record|dns)s?\b[^.;]{0,40}(?:record|found|for|exist)
(?:domain|host)\b[^.;]{0,40}(?:not|never|no longer) accept(?:s|ing)? (?:any )?(?:mail|e-?mail|messages)(?! from)|domain (?:has )?(?:expired|no mail)
no route found to domain|couldn't find any host|unrouteable mail domain|no hosts? (?:by that name|found)|does not resolve
domain[^.;]{0,20}existiert nicht|domaine[^.;]{0,30}(?:inconnu|introuvable|inexistant)|dominio[^.;]{0,30}(?:no existe|desconocido|inexistente)
домен\w*[^.;]{0,30}не (?:найден|существует)
"""

LOOP = r"""
too many hops|hop count|\bmail(?: for \S+)? loop|loops? (?:back|detected)|looping|(?:routing|forward\w*|mail) loop|too many received|schleife
"""

GIVEN_UP = r"""
time?d? ?-?out\b|timed-? ?out|no (?:answer|response|route to)|not respond|connection (?:refused|reset|lost|dropped|timed|failed|closed|error)
(?:connect|connection) to \S+|(?:cannot|could not|couldn't|unable to|failed to) (?:be )?connect|unreachable|expired|in queue (?:too long|for)
(?:message|retry|queue|delivery) (?:time ?)?(?:timeout|exceeded|period|lifetime)|too long in|has been (?:in|on) the queue|retr(?:y|ies|ied)\b
still (?:trying|being)|will (?:keep|continue|be) (?:to )?(?:try|retr)|try again|name service error|host not found, try|server ?fail|servfail
deferred|delayed|for (?:more than )?\d+ (?:hours|days|minutes)|lost connection|conversation with|\b4\.4\.\d|temporar
zeituberschreitung|zeitlimit|nicht erreichbar|delai|tiempo de espera|tempo limite|истекло|超时|逾時|タイムアウト
"""

OUT_OF_ORDER = r"""
system error|internal (?:server |software )?error|local (?:error|problem|configuration)|config\w* error|misconfig|software error
resources? (?:temporarily )?(?:unavailable|exceeded|low)|insufficient (?:system )?(?:resources|storage)|service (?:not|un)[- ]?available
(?:cannot|can't|could not|unable to|error) (?:open|create|write|writ|lock|append)|i/o error|permission denied|mailer error|pipe\b|procmail
maildrop|\bldap\b|unexpected (?:exit|return)|command died|exit (?:status|code)|program failed|line too long|bare (?:lf|newline|cr)
protocol error|syntax error|command (?:not|unrecogni[sz]ed)|corrupt
"""

REFUSED = r"""
polic(?:y|ies)\b|administrative|security|not (?:accepted|welcome|wanted)|unwanted|firewall|prohibit|forbidden|\babuse\b|banned|filtered|filter
(?:message|mail|e-?mail)s? (?:content )?(?:was |has been |is )?(?:filtered|refused|rejected|denied|discarded|declined|blocked|not accepted)
access (?:is |was )?(?:denied|restricted|refused|blocked)|\bdenied\b|\bblocked\b|blocking|\brefused\b|rejected (?:by|due|because|for|as|under|on)
delivery not (?:authori[sz]ed|allowed|permitted)|message not accepted|transaction (?:failed|rejected)|illegal (?:attachment|content)|file type
attachment
"""

REFUSED_ABROAD = r"""
richtlinie|abgelehnt|verweigert|unerwunscht|gesperrt|blockiert|zuruckgewiesen|politique|refuse(?:e|s)?\b|rejete|indesirable|pourriel|bloque
rechazad|politica|no deseado|bloquead|respint|rifiutat|indesiderat|nao solicitad|rejeitad|recusad|geweigerd|geblokkeerd|odrzucon|zablokowan
спам|отклонен|политик|заблокир|блокирован|迷惑メール|拒否|垃圾|拒收|拒绝|拒絕|屏蔽|스팸|차단
"""

NO_MAILBOX = r"""
mailbox (?:is )?(?:unavailable|not available)|requested action not taken|cannot be delivered to (?:this|the) (?:user|mailbox|address|recipient)
\b(?:recipient|user|address|mailbox|rcpt)s?\b[^.;]{0,60}(?:rejected|unavailable|not accepted|undeliverable|not deliverable|denied)
\b(?:recipient|user|address|mailbox|rcpt)s?\b[^.;]{0,60}(?:unable to receive|cannot receive|can't receive|not reachable)
(?:rejected|bad|undeliverable) (?:address|recipient|mailbox|user)|recipient refused
"""
