"""What columns are called in the exports of other systems, in several languages. Pure."""

from collections.abc import Mapping

from drippulse.crm.tables import RecordType

PEOPLE: Mapping[str, str] = {
    "email": """email e_mail mail email_address e_mail_address emailaddress mail_address primary_email work_email
        contact_email lead_email person_email email_1 email_1_value e_mail_1_value business_email e_mail_adresse
        email_adresse mailadresse correo correo_electronico courriel adresse_e_mail adresse_mail adresse_email
        indirizzo_email posta_elettronica endereco_de_e_mail epost e_postadress sahkoposti""",
    "first_name": """first_name firstname first fname given_name givenname forename vorname prenom nombre nome
        primeiro_nome voornaam fornavn fornamn etunimi imie""",
    "last_name": """last_name lastname last lname surname family_name familyname second_name nachname familienname nom
        nom_de_famille apellido apellidos cognome sobrenome achternaam etternavn efternamn efternavn sukunimi
        nazwisko""",
    "full_name": """name full_name fullname contact_name person_name lead_name display_name contact person
        vollstandiger_name nom_complet nombre_completo nome_completo volledige_naam""",
    "company": """company company_name account account_name organization organisation organization_name
        organisation_name employer firma unternehmen firmenname entreprise societe empresa azienda bedrijf organisatie
        foretag yritys organization_1_name""",
    "title": """title job_title jobtitle position role job_role designation funktion stelle poste fonction cargo puesto
        qualifica functie titel beruf""",
}
ADDRESS: Mapping[str, str] = {
    "phone": """phone phone_number phonenumber telephone tel mobile mobile_phone mobile_number cell cell_phone
        work_phone business_phone primary_phone phone_1 phone_1_value telefon telefonnummer rufnummer handy
        mobiltelefon numero_de_telephone portable telefono celular telefone telefoon""",
    "street": """street street_address address address_1 address_line_1 address1 mailing_street billing_street strasse
        straße anschrift adresse rue calle direccion via indirizzo rua endereco straat adres""",
    "city": """city town locality mailing_city billing_city stadt ort wohnort ville ciudad citta cidade plaats
        woonplaats""",
    "state": """state province region county state_province state_region mailing_state billing_state bundesland
        departement estado provincia""",
    "postal_code": """postal_code zip zip_code zipcode postcode post_code mailing_postal_code billing_postal_code plz
        postleitzahl code_postal codigo_postal cap cep""",
    "country": "country country_region nation mailing_country billing_country land pays pais paese",
}
WEBSITE: Mapping[str, str] = {
    "website": "website web_site url homepage web webseite site_web sitio_web sito_web company_website",
}
COMMON: Mapping[str, str] = {
    "public_id": "public_id drippulse_id id record_id",
    "external_id": """external_id externalid ext_id crm_id hubspot_id salesforce_id source_id foreign_id
        contact_id_external""",
    "external_system": "external_system source_system external_source",
    "tags": "tags tag labels label categories category groups schlagworte etiquettes etiquetas etichette",
    "description": """description notes note comments comment remarks beschreibung notiz notizen bemerkung remarques
        commentaire descripcion notas descrizione""",
    "owner_id": "owner_id",
}
OWN: Mapping[RecordType, Mapping[str, str]] = {
    RecordType.ACCOUNT: {
        "name": """name account_name account company company_name organization organisation organization_name
            firma firmenname unternehmen entreprise societe empresa azienda bedrijf""",
        "domain": "domain domain_name company_domain company_domain_name email_domain web_domain",
        "industry": "industry sector branche secteur sector_industria settore",
        "employee_count": """employee_count employees number_of_employees headcount size company_size mitarbeiter
            mitarbeiterzahl effectif empleados""",
        "annual_revenue": "annual_revenue revenue turnover umsatz jahresumsatz chiffre_d_affaires ingresos fatturato",
        **ADDRESS,
        **WEBSITE,
        **COMMON,
    },
    RecordType.CONTACT: {**PEOPLE, **ADDRESS, "timezone": "timezone time_zone tz zeitzone", "account_id": "account_id"}
    | COMMON,
    RecordType.LEAD: {
        **PEOPLE,
        **ADDRESS,
        **WEBSITE,
        "timezone": "timezone time_zone tz zeitzone",
        "score": "score lead_score rating punkte punktzahl",
        "status": "status lead_status stage",
        "source": "source lead_source channel quelle herkunft origine origen",
        "contact_id": "contact_id",
        **COMMON,
    },
    RecordType.OPPORTUNITY: {
        "name": "name opportunity_name opportunity deal deal_name dealname title bezeichnung affaire oportunidad",
        "amount": "amount deal_amount value deal_value price betrag wert montant importe importo valor",
        "currency": "currency currency_code currency_iso_code wahrung waehrung devise moneda valuta",
        "probability": "probability win_probability wahrscheinlichkeit probabilite probabilidad",
        "expected_close_date": """expected_close_date close_date closedate closing_date expected_close abschlussdatum
            date_de_cloture fecha_de_cierre""",
        "status": "status",
        "pipeline_id": "pipeline_id",
        "pipeline_stage_id": "pipeline_stage_id stage_id",
        "account_id": "account_id",
        "contact_id": "contact_id",
        "source": "source lead_source",
        "lost_reason": "lost_reason loss_reason closed_lost_reason",
        **COMMON,
    },
    RecordType.ACTIVITY: {
        "type": "type activity_type kind art typ tipo",
        "subject": "subject title betreff objet sujet asunto oggetto",
        "body": "body text content details description notes inhalt",
        "outcome": "outcome result ergebnis resultat",
        "occurred_at": "occurred_at date datetime activity_date timestamp start start_time datum",
        "due_at": "due_at due_date due deadline fallig_am",
        "completed_at": "completed_at completed completion_date",
        "duration_minutes": "duration_minutes duration minutes dauer",
        "account_id": "account_id",
        "contact_id": "contact_id",
        "lead_id": "lead_id",
        "opportunity_id": "opportunity_id deal_id",
        **{name: words for name, words in COMMON.items() if name != "description"},
    },
}
SPELLINGS: Mapping[RecordType, Mapping[str, frozenset[str]]] = {
    kind: {name: frozenset({name, *words.split()}) for name, words in own.items()} for kind, own in OWN.items()
}
